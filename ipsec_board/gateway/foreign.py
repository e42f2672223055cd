"""What other products call the options of a tunnel: strongSwan, libreswan, FortiOS, Junos, IOS XE, RouterOS, AWS, Azure.

Names are in small letters and digits alone. Start reading at `OPTIONS`.
"""

OPTIONS = {
    **dict.fromkeys(("right", "remoteaddrs", "remoteaddress", "remotegateway", "remotegw", "gatewayaddress", "peer",
                     "peeraddress", "server", "remotehost"), "gateway"),
    **dict.fromkeys(("leftid", "localidentity", "myid", "identity", "localid"), "local_id"),
    **dict.fromkeys(("rightid", "remoteidentity", "peerid", "remoteid"), "remote_id"),
    **dict.fromkeys(("rightsubnet", "rightsubnets", "remotesubnet", "remotesubnets", "remotenetwork", "remotenetworks",
                     "dstaddress", "dstsubnet", "remoteip", "allowedips"), "remote_ts"),
    **dict.fromkeys(("leftsubnet", "leftsubnets", "localsubnet", "localsubnets", "localnetwork", "srcaddress", "srcsubnet",
                     "localip"), "local_ts"),
    **dict.fromkeys(("leftsourceip", "vips"), "virtual_ip"),
    **dict.fromkeys(("authby", "authmethod", "authenticationmethod"), "auth"),
    **dict.fromkeys(("ike", "proposals", "ikeproposal", "ikesuites"), "ike_proposals"),
    **dict.fromkeys(("esp", "phase2alg", "espproposal", "espsuites"), "esp_proposals"),
    **dict.fromkeys(("dpddelay", "dpdinterval", "dpd"), "dpd_s"),
    **dict.fromkeys(("ikelifetime", "keylife", "rekeytime"), "lifetime_s"),
    **dict.fromkeys(("salifetime", "keylifeseconds", "lifetimeseconds"), "child_lifetime_s"),
    **dict.fromkeys(("username", "eapid", "eapidentity"), "eap_identity"),
}  # fmt: skip
SECRETS = {
    **dict.fromkeys(("secret", "psksecret", "presharedkey", "sharedsecret", "sharedkey", "presharedsecret"), "psk_file"),
}
ALWAYS = {
    **dict.fromkeys(("version", "ikeversion", "keyexchange", "ikev2", "aggressive"), "IKEv2 is all there is"),
    **dict.fromkeys(("encap", "forceencaps", "encapsulation", "nattraversal", "natt"), "ESP is always in UDP, or TCP"),
    **dict.fromkeys(("auto", "startaction", "dpdaction", "closeaction", "keyingtries"), "the device begins; see reconnect"),
    **dict.fromkeys(("pfs", "pfsgroup"), "a group in esp_proposals is for perfect forward secrecy"),
    "password": "`ipsec-board provision --new-nt-hash FILE` asks for it, with auth = \"eap\" and nt_hash_file",
    "compress": "there is no compression",
    "left": "our own address is whatever the device has",
}
# The same for the application's settings
SETTINGS = {
    **dict.fromkeys(("ssid", "wifi", "wifiname", "wifinetwork", "essid"), "wifi_ssid"),
    **dict.fromkeys(("password", "wifipass", "wifipsk", "wifikey", "passphrase", "wifipassphrase", "wifipwd"), "wifi_password"),
    **dict.fromkeys(("country", "region", "wificountrycode"), "wifi_country"),
    **dict.fromkeys(("host", "server", "broker", "mqttbroker", "mqtthost", "mqttserver", "publishto", "destination", "target",
                     "url", "publishaddress", "mqttaddress"), "publish_host"),
    **dict.fromkeys(("port", "udpport"), "publish_port"),
    **dict.fromkeys(("brokerport",), "mqtt_port"),
    **dict.fromkeys(("interval", "period", "publishinterval", "publishevery", "intervals", "every", "publishperiod",
                     "publishintervals", "sendinterval"), "publish_every_s"),
    **dict.fromkeys(("topic", "mqttprefix", "publishtopic", "topicprefix"), "mqtt_topic"),
    **dict.fromkeys(("clientid", "mqttclient"), "mqtt_client_id"),
    **dict.fromkeys(("user", "username", "mqttusername", "login"), "mqtt_user"),
    **dict.fromkeys(("mqttpass", "mqttpwd", "brokerpassword"), "mqtt_password"),
    **dict.fromkeys(("keepalive", "mqttkeepalive"), "mqtt_keepalive_s"),
    **dict.fromkeys(("cafile", "mqttca", "mqtttls", "tls"), "mqtt_ca_file"),
    **dict.fromkeys(("protocol", "transport", "publishvia", "mode", "publish"), "publish_by"),
    **dict.fromkeys(("watchdog", "wdt", "watchdogms", "watchdogtimeout"), "watchdog_s"),
    **dict.fromkeys(("count", "readings"), "publish_count"),
    **dict.fromkeys(("interface", "link", "nic", "networktype"), "network"),
    **dict.fromkeys(("queue", "buffer", "queuesize"), "ring"),
    **dict.fromkeys(("name", "devicename", "dhcphostname"), "hostname"),
    **dict.fromkeys(("ledpin", "statusled"), "led"),
}  # fmt: skip

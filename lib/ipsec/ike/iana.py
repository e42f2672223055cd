"""IANA numbers of IKEv2 that more than one module uses; the others live, private, where they are used.

Registry: "Internet Key Exchange Version 2 (IKEv2) Parameters". Start reading anywhere.
"""

# Exchange types
IKE_SA_INIT = 34
IKE_AUTH = 35
CREATE_CHILD_SA = 36
INFORMATIONAL = 37

# Payload types
SA = 33
KE = 34
IDI = 35
IDR = 36
AUTH = 39
NONCE = 40
NOTIFY = 41
DELETE = 42
TSI = 44
TSR = 45
SK = 46
CP = 47
SKF = 53  # RFC 7383

# Protocol identifiers
PROTO_IKE = 1
PROTO_ESP = 3

# Notify message types: errors
INVALID_KE_PAYLOAD = 17
AUTHENTICATION_FAILED = 24
NO_ADDITIONAL_SAS = 35

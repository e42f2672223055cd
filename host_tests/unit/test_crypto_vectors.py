"""Published vectors through the crypto face: AEAD, AES-CBC and HMAC."""

from binascii import unhexlify as unhex

from crypto_support import BACKENDS, set_next_iv

# encryption, key with salt, IV, header, plaintext, ciphertext, ICV
_AEAD = (
    (  # RFC 8439 2.8.2
        28,
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f" + "07000000",
        "4041424344454647",
        "50515253c0c1c2c3c4c5c6c7",
        "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64"
        "206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f"
        "756c642062652069742e",
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a"
        "9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9d"
        "e576d26586cec64b6116",
        "1ae10b594f09e26a7e902ecbd0600691",
    ),
    (  # RFC 7634 appendix A: an ESP packet
        28,
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f" + "a0a1a2a3",
        "1011121314151617",
        "0102030400000005",
        "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f1011121314151617"
        "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
        "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c"
        "4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0",
        "76aaa8266b7fb0f7b11b369907e1ad43",
    ),
    (  # RFC 7634 appendix B: an IKE message
        28,
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f" + "a0a1a2a3",
        "1011121314151617",
        "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029",
        "0000000c000040010000000a00",
        "610394701f8d017f7c12924889",
        "6b71bfe25236efd7cdc67066906315b2",
    ),
    (  # GCM specification (McGrew and Viega), test case 4
        20,
        "feffe9928665731c6d6a8f9467308308" + "cafebabe",
        "facedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5"
        "aa0de657ba637b39",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b39"
        "6a0aac973d58e091",
        "5bc94fbc3221a5db94fae95ae7121a47",
    ),
    (  # the same, test case 16: a key of 256 bits
        20,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308" + "cafebabe",
        "facedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5"
        "aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e63"
        "93ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
    # NIST CAVS, VNT128.rsp and VNT256.rsp, nonce of 11 octets as in RFC 4309 (the vectors of RFC 3610 have 13)
    (
        16,
        "e6ab9e70a4fb51b01c2e262233e64c0d" + "74e689",
        "eb5af9441dd690a6",
        "42f6518ee0fbe42f28e13b4bb2eb60517b37c9744394d9143393a879c3e107c7",
        "ba15916733550d7aa82b2f6b117cd3f54c83ddc16cd0288a",
        "dcc151443288f35d39ed8fae6f0ce1d1eb656f4f7fd65c0b",
        "16f322ce85d7c54e71ac560fd4da9651",
    ),
    (
        16,
        "97bc7482a87ba005475dfa3448f59d4b3f9c4c969d08b39b1b21ef965c0f5125" + "0bcf78",
        "103ec52d6df28887",
        "049c10f0cb37ae08eae2d0766563b7c5a8454f841c2061a4f71a0a2158ae6ce5",
        "b99bf4dc781795fc4d3a8467b06e1665d4e543657f23129f",
        "0d3891fa0caac1f7ebe41b480920ffd34d4155064c24f3b1",
        "7a483163dd8f228d1f20cd4f86cf38fd",
    ),
)

# RFC 3602 4: key, IV, plaintext, ciphertext
_CBC = (
    (
        "06a9214036b8a15b512e03d534120006",
        "3dafba429d9eb430b422da802c9fac41",
        "53696e676c6520626c6f636b206d7367",
        "e353779c1079aeb82708942dbe77181a",
    ),
    (
        "c286696d887c9aa0611bbb3e2025a45a",
        "562e17996d093d28ddb3ba695a2e6f58",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1",
    ),
    (
        "56e47a38c5598974bc46903dba290349",
        "8ce82eefbea0da3c44699ed7db51b7d9",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
        "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
        "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e"
        "35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55",
    ),
)

# RFC 4231: key, data, and the first octets for PRF 5, 6, 7 (all 32 with SHA-256)
_HMAC = (
    (
        "0b" * 20,
        "4869205468657265",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "afd03944d84895626b0825f4ab46907f",
        "87aa7cdea5ef619d4ff0b4241a1d6cb0",
    ),
    (
        "4a656665",
        "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b",
        "164b7a7bfcf819e2e395fbe73b56e0a3",
    ),
    (
        "aa" * 20,
        "dd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "88062608d3e6ad8a0aa2ace014c8a86f",
        "fa73b0089d56a284efb0f0756c890be9",
    ),
    (
        "aa" * 131,
        "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b657920466972" "7374",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b4",
        "80b24263c7c1a3ebb71493c1dd7be8b4",
    ),
)


def test_aead():
    for backend in BACKENDS:
        for encr, key, iv, header, text, sealed, icv in _AEAD:
            key, iv, header, text, sealed, icv = [unhex(x) for x in (key, iv, header, text, sealed, icv)]
            message = header + iv + sealed + icv
            buf = bytearray(header + bytes(8) + text + bytes(len(icv)))
            sealer = backend.new_sealer(encr, 0, key, b"")
            set_next_iv(sealer, iv)
            text_pos = len(header) + 8
            assert sealer.seal(buf, 0, len(header), text_pos + len(text), None) == len(buf)
            assert buf == message
            opener = backend.new_opener(encr, 0, key, b"")
            assert opener.open(buf, 0, len(header), len(buf), None) == text_pos + len(text)
            assert buf[text_pos : text_pos + len(text)] == text


def test_cbc():
    header = b"\x01\x02\x03\x04\x00\x00\x00\x05"
    mac_key = bytes(range(32))
    for backend in BACKENDS:
        for case in _CBC:
            key, iv, text, sealed = [unhex(x) for x in case]
            buf = bytearray(header + iv + sealed)
            buf += backend.prf(5, mac_key, buf)[:16]
            opener = backend.new_opener(12, 12, key, mac_key)
            assert opener.open(buf, 0, 8, len(buf), None) == len(buf) - 16
            assert buf[24 : 24 + len(text)] == text


def test_prf():
    for backend in BACKENDS:
        for key, data, *results in _HMAC:
            key, data = unhex(key), unhex(data)
            for i, result in enumerate(results):
                prf_id = 5 + i
                got = backend.prf(prf_id, key, data)
                assert len(got) == backend.prf_len(prf_id)
                assert got[: len(result) // 2] == unhex(result)
                assert backend.prf(prf_id, key, data[:3], data[3:]) == got

// The emulated Pico. Flash: 2 MiB firmware, 1 MiB ROMFS (/rom), 1 MiB file system; chip/main.mjs knows the ROMFS address.
#define MICROPY_HW_BOARD_NAME                   "RP2040JS"
#define MICROPY_HW_FLASH_STORAGE_BYTES          (1024 * 1024)
#define MICROPY_HW_ROMFS_BYTES                  (1024 * 1024)

// Sockets: lwIP over PPP over UART0. Stock Pico W firmware has lwIP over WiFi, and the same socket module.
#define MICROPY_PY_NETWORK                      (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT     "rp2040js"
#define MICROPY_PY_NETWORK_PPP_LWIP             (1)

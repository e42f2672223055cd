// Run the emulated Pico: `node main.mjs --bootrom FILE --firmware FILE [options]`; standard input and output: the REPL.
//
//   --flash FILE           keep the file system there: read at the start, written at the end
//   --rom FILE             ROMFS image that the board sees as /rom
//   --forward HOST:BOARD   UDP port of the host's loopback that reaches the board's port (may be repeated)
//   --capture FILE         pcap file of the board's packets
//   --stats FILE           JSON written at the end: emulated and wall time, instructions
//
// Ends at SIGTERM, SIGINT or the end of input. Start reading at `board`.

import fs from "node:fs";
import { parseArgs } from "node:util";
import { Board } from "./board.mjs";
import { Gateway } from "./gateway.mjs";
import { Ppp } from "./ppp.mjs";

const FLASH_SIZE = 4 << 20, ROMFS = 2 << 20, FILES = 3 << 20; // offsets, as ../firmware/mpconfigboard.h has them
const ROMFS_SIZE = FILES - ROMFS;
const HOST = "10.0.2.2", BOARD = "10.0.2.15", DNS = "10.0.2.3";
const LINK_QUEUE = 65536; // octets on their way to the board; more are dropped, as a slow link does

const text = { type: "string" };
const { values: args } = parseArgs({
  options: {
    bootrom: text, firmware: text, flash: text, rom: text, capture: text, stats: text,
    forward: { type: "string", multiple: true, default: [] },
  },
});

function flashImage() {
  const flash = Buffer.alloc(FLASH_SIZE, 0xff);
  flash.set(fs.readFileSync(args.firmware));
  if (args.rom) {
    const image = fs.readFileSync(args.rom);
    if (image.length > ROMFS_SIZE) throw new Error(`${image.length} octets for /rom, which has ${ROMFS_SIZE}`);
    flash.set(image, ROMFS);
  }
  if (args.flash && fs.existsSync(args.flash)) flash.set(fs.readFileSync(args.flash), FILES);
  return flash;
}

// Output that the terminal does not take yet waits here; the emulation never blocks on it.
let output = Buffer.alloc(0);
function print(data) {
  output = Buffer.concat([output, data]).subarray(-(1 << 20));
  try {
    while (output.length) output = output.subarray(fs.writeSync(1, output));
  } catch (e) {
    if (e.code !== "EAGAIN") throw e;
    setTimeout(() => print(Buffer.alloc(0)), 2);
  }
}

/** Packets to a pcap file: raw IPv4, microseconds of the wall clock. */
function capture(file) {
  const words = (...list) => Buffer.from(Uint32Array.from(list).buffer);
  fs.writeFileSync(file, words(0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101));
  return (packet) => {
    const us = Date.now() * 1000;
    fs.appendFileSync(file, Buffer.concat([words(us / 1e6, us % 1e6, packet.length, packet.length), packet]));
  };
}

const octets = (address) => Buffer.from(address.split(".").map(Number));
const board = new Board({
  flash: flashImage(),
  bootrom: Buffer.concat([fs.readFileSync(args.bootrom)], 16384),
  onSerial: print,
  onUart: [(data) => ppp.receive(data)],
});
const gateway = new Gateway({
  host: HOST,
  board: BOARD,
  toBoard: (packet) => {
    if (board.uarts[0].queued + packet.length > LINK_QUEUE) gateway.dropped++;
    else ppp.send(packet);
    board.wake();
  },
});
const ppp = new Ppp({
  ours: octets(HOST),
  theirs: octets(BOARD),
  dns: octets(DNS),
  write: (data) => board.uarts[0].send(data),
  onPacket: (packet) => gateway.fromBoard(packet),
});

function stop(code) {
  if (args.flash) fs.writeFileSync(args.flash, board.mcu.flash.subarray(FILES, FLASH_SIZE));
  if (args.stats) {
    const cpu = process.cpuUsage();
    fs.writeFileSync(args.stats, JSON.stringify({
      emulatedMs: board.clock.nanos / 1e6, // since power-on or the last reset
      wallMs: performance.now() - begin,
      cpuMs: (cpu.user + cpu.system) / 1000,
      instructions: board.instructions,
      dropped: gateway.dropped,
      badFrames: ppp.bad,
    }));
  }
  process.exit(code);
}

const begin = performance.now();
if (args.capture) gateway.onPacket = capture(args.capture);
for (const pair of args.forward) gateway.forward(...pair.split(":").map(Number));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => stop(0));
process.stdin.on("data", (data) => { board.type(data); board.wake(); });
process.stdin.on("end", () => stop(0));
process.stdin.on("error", () => stop(0)); // the last user of the pseudo-terminal has gone
board.start();

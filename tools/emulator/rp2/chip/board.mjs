// The emulated Pico: rp2040js's chip with the parts it lacks, and the loop that runs it.
//
// Time: while the processor works, emulated time is its cycles; while it sleeps, emulated time keeps to the wall clock,
// so that a timeout of two seconds gives a host two seconds to answer. Emulation slower than the chip is not caught up.
//
// Start reading at `Board.slice`.

import crypto from "node:crypto";
import { ConsoleLogger, LogLevel, RP2040, USBCDC } from "rp2040js";
import { makeCpu } from "./cpu.mjs";
import { Uart } from "./uart.mjs";

const SLICE_MS = 2; // wall time between two looks at the host's sockets
const MAX_SLEEP_MS = 20;
const AHEAD_MS = 1; // emulated time of a sleeping processor may run ahead of the wall clock by a host timer's grain
const INSTRUCTIONS = 20000; // between two looks at the wall clock
// lwIP in MicroPython 1.25 keeps one unread datagram a socket and drops the next, so a burst leaves it time to be read.
const GAP_NS = 10e6;
const UART_IRQ = [20, 21], UART_PAGE = [0x40034, 0x40038], ROSC_PAGE = 0x40060, WATCHDOG_PAGE = 0x40058;

/** Ring oscillator: os.urandom of the firmware reads its RANDOMBIT, which here is the host's randomness. */
class Rosc {
  #pool = Buffer.alloc(0);
  #bit = 0;

  readUint32(offset) {
    if (offset !== 0x1c) return 0x80001000; // STATUS: stable, enabled
    if (this.#bit === this.#pool.length * 8) {
      this.#pool = crypto.randomBytes(64);
      this.#bit = 0;
    }
    const bit = this.#bit++;
    return (this.#pool[bit >> 3] >> (bit & 7)) & 1;
  }

  writeUint32Atomic() {}
}

export class Board {
  /**
   * `flash`: octets from flash's start; `bootrom`: 16 KiB. `onSerial(Buffer)` gets the REPL's output,
   * `onUart[i](Buffer)` what UART i sent.
   */
  constructor({ flash, bootrom, onSerial, onUart }) {
    Object.assign(this, { bootrom, onSerial, onUart });
    this.instructions = 0;
    this.power(flash);
  }

  /** Power-on or reset: a new chip; only flash keeps its contents. */
  power(flash) {
    const mcu = (this.mcu = new RP2040());
    mcu.logger = new ConsoleLogger(LogLevel.Error, false);
    mcu.bootrom.set(new Uint32Array(this.bootrom.buffer, this.bootrom.byteOffset, this.bootrom.length / 4));
    mcu.flash.set(flash);
    mcu.peripherals[ROSC_PAGE] = new Rosc();
    mcu.peripherals[WATCHDOG_PAGE].onWatchdogTrigger = () => { mcu.stopped = true; }; // machine.reset()
    mcu.onBreak = () => {
      const at = (x) => "0x" + x.toString(16);
      throw new Error(`the firmware stopped at ${at(mcu.core.PC)}, called from ${at(mcu.core.LR)}`);
    };
    this.uarts = UART_IRQ.map((irq, i) => {
      const uart = new Uart(mcu, irq, GAP_NS, (data) => this.onUart[i]?.(data));
      mcu.uart[i] = mcu.peripherals[UART_PAGE[i]] = uart;
      return uart;
    });
    this.connectUsb();
    this.clock = mcu.clock;
    mcu.core.reset();
    this.cpu = makeCpu(mcu);
    this.lead = performance.now(); // wall time at emulated time 0
  }

  /**
   * The USB serial port. rp2040js would answer each read request of the firmware at once, with nothing, and keep it
   * busy for ever; here a request waits until there is data, as a host's silence would make it wait.
   */
  connectUsb() {
    this.serial = Buffer.alloc(0);
    this.wanted = 0;
    this.cdc = new USBCDC(this.mcu.usbCtrl);
    this.cdc.onSerialData = (data) => this.onSerial(Buffer.from(data));
    this.mcu.usbCtrl.onEndpointRead = (endpoint, size) => {
      if (endpoint !== this.cdc.outEndpoint) return;
      this.wanted = size;
      this.feedSerial();
    };
  }

  /** Octets typed at the REPL. */
  type(data) {
    this.serial = Buffer.concat([this.serial, data]);
    this.feedSerial();
  }

  feedSerial() {
    if (!this.wanted || !this.serial.length) return;
    const packet = this.serial.subarray(0, Math.min(this.wanted, 64));
    this.serial = this.serial.subarray(packet.length);
    this.wanted = 0;
    this.mcu.usbCtrl.endpointReadDone(this.cdc.outEndpoint, packet);
  }

  /** Run until `stop`; `wake` ends a sleep early when there is input. */
  start() {
    const turn = () => {
      this.timer = null;
      const sleepMs = this.slice();
      for (const uart of this.uarts) uart.flush();
      if (sleepMs) this.timer = setTimeout(turn, sleepMs);
      else setImmediate(turn);
    };
    this.wake = () => {
      if (!this.timer) return;
      clearTimeout(this.timer);
      this.timer = null;
      setImmediate(turn);
    };
    setImmediate(turn);
  }

  /**
   * Emulate for SLICE_MS of wall time, or until the processor sleeps or a UART has sent all. The result is how many ms
   * to sleep.
   */
  slice() {
    const begin = performance.now();
    let now = begin, sleepMs = 0;
    while (!sleepMs && now - begin < SLICE_MS && !this.uarts.some((uart) => uart.done)) {
      if (this.mcu.core.waiting) sleepMs = this.doze(now);
      else this.instructions += this.cpu.run(INSTRUCTIONS);
      if (this.mcu.stopped) this.power(this.mcu.flash);
      now = performance.now();
      this.lead = Math.max(this.lead, now - this.clock.nanos / 1e6 - MAX_SLEEP_MS);
    }
    return sleepMs;
  }

  /** Let the time of a sleeping processor pass: to its next alarm when that is due, else up to now. */
  doze(now) {
    const toAlarm = this.clock.nextAlarm ? this.clock.nanosToNextAlarm : MAX_SLEEP_MS * 1e6;
    const toNow = (now - this.lead) * 1e6 - this.clock.nanos;
    if (toAlarm <= toNow + AHEAD_MS * 1e6) {
      this.clock.tick(toAlarm);
      return 0;
    }
    if (toNow > 0) this.clock.tick(toNow);
    return Math.min((toAlarm - toNow) / 1e6, MAX_SLEEP_MS);
  }
}

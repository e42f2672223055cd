// PL011 UART of the emulated RP2040 (datasheet section 4.2): FIFOs of 32 octets, the baud rate's time for every octet,
// and the interrupts for receive level, receive timeout and transmit level.
//
// It replaces rp2040js's own UART, which asserts the transmit interrupt for ever, has no receive timeout (network.PPP
// waits for it) and no notion of time. Octets from the host are held back while the FIFO is full, never lost.
//
// Start reading at `Uart.send` (host side) and `Uart.writeUint32` (processor side).

const RX = 1 << 4, TX = 1 << 5, RX_TIMEOUT = 1 << 6; // interrupt bits
const LEVELS = [4, 8, 16, 24, 28]; // FIFO trigger levels that UARTIFLS selects
const DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38;
const RIS = 0x3c, MIS = 0x40, ICR = 0x44;

export class Uart {
  /**
   * `onData(Buffer)` receives what the board sent, when `flush` is called; `gapNs` is the idle time on the line after
   * each buffer from the host (more than 32 bits of it cause a receive timeout).
   */
  constructor(mcu, irq, gapNs, onData) {
    this.mcu = mcu;
    this.irq = irq;
    this.gapNs = gapNs;
    this.onData = onData;
    this.regs = new Map([[CR, 0x300], [IFLS, 0x12]]);
    this.raw = 0; // raw interrupt status
    this.rx = [];
    this.tx = [];
    this.shifting = null; // the octet on the wire
    this.sent = [];
    this.incoming = []; // buffers from the host
    this.position = 0; // in the first of them
    const alarm = (f) => mcu.clock.createAlarm(f);
    this.txAlarm = alarm(() => this.transmitted());
    this.rxAlarm = alarm(() => this.arrived());
    this.timeoutAlarm = alarm(() => { if (this.rx.length) this.raise(RX_TIMEOUT); });
    this.receiving = false;
  }

  get queued() { return this.incoming.reduce((n, b) => n + b.length, -this.position); }
  get done() { return this.sent.length > 0 && this.shifting === null; } // all has left the board and may be flushed
  get depth() { return this.reg(LCR_H) & 0x10 ? 32 : 1; }
  get rxLevel() { return this.depth === 1 ? 1 : LEVELS[(this.reg(IFLS) >> 3) & 7]; }
  get txLevel() { return this.depth === 1 ? 0 : LEVELS[this.reg(IFLS) & 7]; }
  get bitNs() {
    const divisor = this.reg(IBRD) + this.reg(FBRD) / 64;
    return divisor ? (16e9 * divisor) / this.mcu.clkPeri : 8680;
  }

  reg(offset) { return this.regs.get(offset) ?? 0; }
  clkPeriChanged() {} // the rate is computed anew for every octet

  raise(bits) { this.raw |= bits; this.interrupt(); }
  clear(bits) { this.raw &= ~bits; this.interrupt(); }
  interrupt() { this.mcu.setInterrupt(this.irq, (this.raw & this.reg(IMSC)) !== 0); }

  // ---- host side

  /** Queue a buffer for the board. */
  send(buffer) {
    if (!buffer.length) return;
    this.incoming.push(buffer);
    if (!this.receiving) this.receive(0);
  }

  /** Hand over what the board has sent since the last call. */
  flush() {
    if (!this.sent.length) return;
    const data = Buffer.from(this.sent);
    this.sent = [];
    this.onData(data);
  }

  receive(idleNs) {
    this.receiving = true;
    this.rxAlarm.schedule(idleNs + 10 * this.bitNs);
  }

  arrived() {
    this.receiving = false;
    if (!this.incoming.length) return;
    let idleNs = 0;
    if (this.reg(CR) & 1 && this.rx.length < this.depth) {
      this.rx.push(this.incoming[0][this.position++]);
      if (this.position === this.incoming[0].length) {
        this.incoming.shift();
        this.position = 0;
        idleNs = this.gapNs;
      }
      this.timeoutAlarm.schedule(32 * this.bitNs);
      if (this.rx.length >= this.rxLevel) this.raise(RX);
    }
    if (this.incoming.length || idleNs) this.receive(idleNs);
  }

  transmitted() {
    this.sent.push(this.shifting);
    this.shifting = null;
    if (this.tx.length) this.shift();
    if (this.tx.length === this.txLevel || this.shifting === null) this.raise(TX);
  }

  shift() {
    this.shifting = this.tx.shift();
    this.txAlarm.schedule(10 * this.bitNs);
  }

  // ---- processor side

  readData() {
    const octet = this.rx.shift() ?? 0;
    if (this.rx.length < this.rxLevel) this.raw &= ~RX;
    if (!this.rx.length) {
      this.raw &= ~RX_TIMEOUT;
      this.timeoutAlarm.cancel();
    }
    this.interrupt();
    return octet;
  }

  flags() {
    const busy = this.shifting !== null ? 0x08 : 0;
    const rx = (this.rx.length ? 0 : 0x10) | (this.rx.length >= this.depth ? 0x40 : 0);
    const tx = (this.tx.length >= this.depth ? 0x20 : 0) | (this.tx.length ? 0 : 0x80);
    return busy | rx | tx;
  }

  readUint32(offset) {
    switch (offset & 0xfff) {
      case DR: return this.readData();
      case FR: return this.flags();
      case RIS: return this.raw;
      case MIS: return this.raw & this.reg(IMSC);
      default: return this.reg(offset & 0xfff);
    }
  }

  writeUint32(offset, value) {
    switch (offset) {
      case DR:
        if (this.tx.length < this.depth) this.tx.push(value & 0xff);
        if (this.shifting === null) this.shift();
        if (this.tx.length > this.txLevel) this.clear(TX);
        break;
      case ICR: this.clear(value); break;
      case LCR_H:
        this.regs.set(LCR_H, value);
        if (!(value & 0x10)) this.rx.length = 0;
        break;
      default:
        this.regs.set(offset, value);
        this.interrupt();
    }
  }

  /** A write through one of the aliases: 0 plain, 1 exclusive or, 2 set, 3 clear (datasheet section 2.1.2). */
  writeUint32Atomic(offset, value, kind) {
    const old = kind && offset !== ICR ? this.readUint32(offset) : 0;
    this.writeUint32(offset, [value, old ^ value, old | value, old & ~value][kind] >>> 0);
  }
}

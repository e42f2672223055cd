// The far end of the board's PPP link (RFC 1661, RFC 1662, RFC 1332), as small as lwIP's client allows.
//
// It answers: a Configure-Request of the board starts the negotiation, the board's address comes with a Configure-Nak.
// The line loses nothing, so there are no timers. Rule: everything sent before IP is escaped in full; the board sends
// control characters as they are, for we ask for an empty async map.
//
// Start reading at `Ppp.frame`.

const LCP = 0xc021, IPCP = 0x8021, IP = 0x0021;
const REQUEST = 1, ACK = 2, NAK = 3, REJECT = 4, TERMINATE = 5, TERMINATED = 6; // codes of control packets
const PROTOCOL_REJECT = 8, ECHO = 9, ECHOED = 10;
const FLAG = 0x7e, ESCAPE = 0x7d, GOOD_FCS = 0xf0b8;
const LCP_KNOWN = new Set([1, 2, 5, 7, 8]); // MRU, async map, magic number, header compressions

const FCS = new Uint16Array(256).map((_, i) => {
  for (let bit = 0; bit < 8; bit++) i = i & 1 ? (i >> 1) ^ 0x8408 : i >> 1;
  return i;
});
const fcs = (octets) => octets.reduce((f, octet) => (f >> 8) ^ FCS[(f ^ octet) & 0xff], 0xffff);

/** The options of a Configure packet as [type, value]; null when they do not add up. */
function options(data) {
  const found = [];
  for (let at = 0; at < data.length; at += data[at + 1]) {
    if (!(data[at + 1] >= 2 && at + data[at + 1] <= data.length)) return null;
    found.push([data[at], data.subarray(at + 2, at + data[at + 1])]);
  }
  return found;
}
const option = (type, value) => Buffer.from([type, value.length + 2, ...value]);

export class Ppp {
  /** Addresses are 4 octets each; `write(Buffer)` goes to the board, `onPacket(Buffer)` gets its IP packets. */
  constructor({ ours, theirs, dns, write, onPacket }) {
    Object.assign(this, { ours, theirs, dns, write, onPacket });
    this.octets = [];
    this.escaped = false;
    this.id = 0;
    this.bad = 0; // frames with a wrong check sequence
    this.up = false;
  }

  /** Octets from the board, cut anywhere. */
  receive(data) {
    for (const octet of data) {
      if (octet === FLAG) {
        const frame = Buffer.from(this.octets);
        this.octets.length = 0;
        this.escaped = false;
        if (frame.length < 4) continue;
        if (fcs(frame) === GOOD_FCS) this.frame(frame.subarray(0, -2));
        else this.bad++;
      } else if (octet === ESCAPE) this.escaped = true;
      else {
        this.octets.push(this.escaped ? octet ^ 0x20 : octet);
        this.escaped = false;
      }
    }
  }

  /** One frame; address and control field, and the protocol's first octet, may be compressed away. */
  frame(frame) {
    if (frame[0] === 0xff && frame[1] === 3) frame = frame.subarray(2);
    const short = frame[0] & 1;
    const protocol = short ? frame[0] : frame.readUInt16BE(0);
    const packet = frame.subarray(short ? 1 : 2);
    if (protocol === IP) this.onPacket(packet);
    else if (packet.length < 4) this.bad++;
    else if (protocol === LCP) this.control(LCP, packet);
    else if (protocol === IPCP) this.control(IPCP, packet);
    else if (protocol & 0x8000) { // a network protocol we lack (IPv6)
      const head = Buffer.from([protocol >> 8, protocol & 0xff]);
      this.reply(LCP, PROTOCOL_REJECT, ++this.id & 0xff, Buffer.concat([head, packet]));
    }
  }

  control(protocol, packet) {
    const [code, id] = packet, data = packet.subarray(4, packet.readUInt16BE(2));
    if (code === REQUEST) this.configure(protocol, id, data);
    else if (code === ACK && protocol === IPCP) this.up = true;
    else if (code === TERMINATE) {
      this.up = false;
      this.reply(protocol, TERMINATED, id, Buffer.alloc(0));
    } else if (code === ECHO) this.reply(LCP, ECHOED, id, Buffer.concat([Buffer.alloc(4), data.subarray(4)]));
  }

  /** Answer a Configure-Request; the first one that is fine is followed by our own. */
  configure(protocol, id, data) {
    const asked = options(data);
    if (!asked) return;
    const verdict = protocol === LCP ? this.judgeLcp(asked) : this.judgeIpcp(asked);
    for (const [code, wrong] of [[REJECT, verdict.reject], [NAK, verdict.nak]]) {
      if (wrong.length) return this.reply(protocol, code, id, Buffer.concat(wrong));
    }
    this.reply(protocol, ACK, id, data);
    const wish = protocol === LCP ? option(2, [0, 0, 0, 0]) : option(3, this.ours);
    this.reply(protocol, REQUEST, ++this.id & 0xff, wish);
  }

  judgeLcp(asked) {
    this.up = false; // the board starts over
    return { nak: [], reject: asked.filter(([type]) => !LCP_KNOWN.has(type)).map((o) => option(...o)) };
  }

  judgeIpcp(asked) {
    const ours = new Map([[3, this.theirs], [129, this.dns], [131, this.dns]]); // address, two DNS servers
    const known = asked.filter(([type]) => ours.has(type));
    return {
      nak: known.filter(([type, value]) => !ours.get(type).equals(value)).map(([type]) => option(type, ours.get(type))),
      reject: asked.filter(([type]) => !ours.has(type)).map((o) => option(...o)),
    };
  }

  reply(protocol, code, id, data) {
    const head = Buffer.from([code, id, 0, 0]);
    head.writeUInt16BE(4 + data.length, 2);
    this.transmit(protocol, Buffer.concat([head, data]), 0x20);
  }

  /** Send an IP packet to the board. */
  send(packet) {
    if (this.up) this.transmit(IP, packet, 0);
  }

  /** Frame and send; octets below `controls` are escaped. */
  transmit(protocol, packet, controls) {
    const body = Buffer.concat([Buffer.from([0xff, 3, protocol >> 8, protocol & 0xff]), packet]);
    const check = fcs(body) ^ 0xffff;
    const out = [FLAG];
    for (const part of [body, [check & 0xff, check >> 8]]) {
      for (const octet of part) {
        if (octet < controls || octet === FLAG || octet === ESCAPE) out.push(ESCAPE, octet ^ 0x20);
        else out.push(octet);
      }
    }
    out.push(FLAG);
    this.write(Buffer.from(out));
  }
}

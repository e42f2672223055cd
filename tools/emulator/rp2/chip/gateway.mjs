// The network behind the board's link: IPv4 UDP, forwarded with ordinary sockets of the host (no privileges, no TUN).
//
// 10.0.2.2 is the host's loopback; other addresses are reached as the host would reach them. A UDP port of the board
// has one socket of the host for all its peers, so they see one source port, as behind a plain NAT. Everything but UDP
// is counted and dropped.
//
// Start reading at `Gateway.fromBoard`.

import dgram from "node:dgram";

const UDP = 17, MTU = 1500, MORE = 0x2000;
const MAX_SOCKETS = 32; // the board's lwIP has five UDP sockets; the oldest mapping is dropped
const LOOPBACK = "127.0.0.1";

const dotted = (octets) => [...octets].join(".");
const octets = (text) => Buffer.from(text.split(".").map(Number));

function checksum(data) {
  let sum = 0;
  for (let i = 0; i + 1 < data.length; i += 2) sum += data.readUInt16BE(i);
  if (data.length & 1) sum += data[data.length - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

export class Gateway {
  /** `toBoard(Buffer)` takes an IP packet; `onPacket(Buffer)`, when set, sees all packets of both directions. */
  constructor({ host, board, toBoard }) {
    Object.assign(this, { host, board, toBoard, onPacket: null });
    this.sockets = new Map(); // UDP port of the board: socket of the host
    this.fragments = new Map(); // source and identification: parts that came so far
    this.ident = 0;
    this.dropped = 0;
  }

  /** Datagrams to this UDP port of the host's loopback reach that port of the board. */
  forward(hostPort, boardPort) {
    this.sockets.set(boardPort, this.open(boardPort, hostPort));
  }

  fromBoard(packet) {
    this.onPacket?.(packet);
    const head = (packet[0] & 15) * 4;
    if (packet[0] >> 4 !== 4 || packet[9] !== UDP || packet.length < head + 8) return void this.dropped++;
    const whole = this.reassemble(packet, packet.subarray(head, packet.readUInt16BE(2)));
    if (!whole) return;
    const address = dotted(packet.subarray(16, 20));
    const target = address === this.host ? LOOPBACK : address;
    const data = whole.subarray(8, whole.readUInt16BE(4));
    this.socket(whole.readUInt16BE(0)).send(data, whole.readUInt16BE(2), target, (e) => { if (e) this.dropped++; });
  }

  /** The whole IP payload once all fragments are there (RFC 791, section 3.2), else null. */
  reassemble(packet, payload) {
    const field = packet.readUInt16BE(6), offset = (field & 0x1fff) * 8, more = field & MORE;
    if (!offset && !more) return payload;
    const key = packet.readUInt32BE(12) * 65536 + packet.readUInt16BE(4);
    const parts = this.fragments.get(key) ?? [];
    parts.push({ offset, more, payload: Buffer.from(payload) });
    this.fragments.set(key, parts);
    if (this.fragments.size > 8) this.fragments.delete(this.fragments.keys().next().value);
    parts.sort((a, b) => a.offset - b.offset);
    let end = 0;
    for (const part of parts) {
      if (part.offset !== end) return null;
      end += part.payload.length;
    }
    if (parts.at(-1).more) return null;
    this.fragments.delete(key);
    return Buffer.concat(parts.map((part) => part.payload));
  }

  socket(port) {
    const known = this.sockets.get(port);
    if (known) return known;
    if (this.sockets.size >= MAX_SOCKETS) {
      const [oldest, socket] = this.sockets.entries().next().value;
      socket.close();
      this.sockets.delete(oldest);
    }
    const socket = this.open(port);
    this.sockets.set(port, socket);
    return socket;
  }

  open(port, hostPort) {
    const socket = dgram.createSocket("udp4");
    socket.on("message", (data, from) => this.toPort(port, data, from));
    socket.on("error", () => this.dropped++);
    if (hostPort) socket.bind(hostPort, LOOPBACK);
    return socket;
  }

  /** A datagram for a UDP port of the board. */
  toPort(port, data, from) {
    const udp = Buffer.alloc(8 + data.length);
    udp.writeUInt16BE(from.port, 0);
    udp.writeUInt16BE(port, 2);
    udp.writeUInt16BE(udp.length, 4); // checksum 0: not used (RFC 768)
    udp.set(data, 8);
    const source = from.address === LOOPBACK ? this.host : from.address;
    this.ident = (this.ident + 1) & 0xffff;
    const step = (MTU - 20) & ~7;
    for (let at = 0; at < udp.length; at += step) {
      const last = at + step >= udp.length;
      this.packet(source, udp.subarray(at, at + step), (at >> 3) | (last ? 0 : MORE));
    }
  }

  packet(source, payload, fragment) {
    const head = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, UDP, 0, 0, ...octets(source), ...octets(this.board)]);
    head.writeUInt16BE(20 + payload.length, 2);
    head.writeUInt16BE(this.ident, 4);
    head.writeUInt16BE(fragment, 6);
    head.writeUInt16BE(checksum(head), 10);
    const packet = Buffer.concat([head, payload]);
    this.onPacket?.(packet);
    this.toBoard(packet);
  }
}

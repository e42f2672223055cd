// Instruction loop of the emulated Cortex-M0+, on the state of rp2040js's core but several times faster than its
// `executeInstruction()`. Cycles are those of the Cortex-M0+ reference manual (table 3-1) with RAM's wait states; the
// delays of the flash cache are not modelled.
//
// It gains by decoding with one switch, keeping flags and program counter in local variables, and reading RAM and flash
// straight from typed arrays. What is rare (special registers, hints, exception return) goes to rp2040js's own code.
// Devices see the right time because the clock is brought up to date before every access to them; interrupts can change
// only there and at alarms, so they are looked at only then. Accesses must be aligned; there are no hard faults.
//
// Start reading at `run`.

const FOREVER = 1e9; // cycles to an alarm that is not set
const ENTRY = 15; // cycles to enter an interrupt handler

/** The loop for an RP2040 of rp2040js; `run(limit)` executes up to `limit` instructions, fewer when the core sleeps. */
export function makeCpu(mcu) {
  const { core, clock } = mcu;
  const R = new Int32Array(core.registers.buffer);
  const ram8 = mcu.sram, ram16 = new Uint16Array(ram8.buffer), ram32 = new Int32Array(ram8.buffer);
  const flash8 = mcu.flash, flash16 = new Uint16Array(flash8.buffer), flash32 = new Int32Array(flash8.buffer);
  const rom16 = new Uint16Array(mcu.bootrom.buffer);

  let nsPerCycle = 8;
  let budget = 0; // cycles until the next alarm
  let pending = 0; // cycles executed that the clock does not know yet
  let wait = 0; // cycles that device accesses of this instruction took beyond those of RAM
  let touched = true; // something other than RAM or flash was accessed: interrupts and alarms may have changed

  function onBus(address, waitStates) {
    clock.nanosCounter += pending * nsPerCycle;
    pending = 0;
    touched = true;
    const region = address >>> 28;
    if (region === 0xd) wait -= 1; // SIO: single cycle
    else if (region === 0x4) wait += waitStates; // peripherals behind the APB bridge
  }

  // RAM is at 0x200xxxxx, flash at 0x10000000-0x13ffffff (four views of it).
  const load32 = (a) => {
    if (a >>> 20 === 0x200) return ram32[(a & 0xfffff) >>> 2];
    if (a >>> 26 === 4) return flash32[(a & 0xffffff) >>> 2];
    onBus(a, 2);
    return mcu.readUint32(a >>> 0) | 0;
  };
  const load16 = (a) => {
    if (a >>> 20 === 0x200) return ram16[(a & 0xfffff) >>> 1];
    if (a >>> 26 === 4) return flash16[(a & 0xffffff) >>> 1];
    onBus(a, 2);
    return mcu.readUint16(a >>> 0);
  };
  const load8 = (a) => {
    if (a >>> 20 === 0x200) return ram8[a & 0xfffff];
    if (a >>> 26 === 4) return flash8[a & 0xffffff];
    onBus(a, 2);
    return mcu.readUint8(a >>> 0);
  };
  const store32 = (a, x) => {
    if (a >>> 20 === 0x200) ram32[(a & 0xfffff) >>> 2] = x;
    else { onBus(a, 3); mcu.writeUint32(a >>> 0, x >>> 0); }
  };
  const store16 = (a, x) => {
    if (a >>> 20 === 0x200) ram16[(a & 0xfffff) >>> 1] = x;
    else { onBus(a, 3); mcu.writeUint16(a >>> 0, x & 0xffff); }
  };
  const store8 = (a, x) => {
    if (a >>> 20 === 0x200) ram8[a & 0xfffff] = x;
    else { onBus(a, 3); mcu.writeUint8(a >>> 0, x & 0xff); }
  };

  /** Write the loop's local state into the core. */
  function save(pc, n, z, c, v) {
    R[15] = pc;
    core.N = n < 0;
    core.Z = z === 0;
    core.C = c === 1;
    core.V = v === 1;
  }

  /** Does loading this value into PC return from an exception? */
  const isReturn = (target) => target >>> 28 === 0xf && core.currentMode === 1;

  function run(limit) {
    // Flags: negative when n < 0, zero when z === 0, carry c and overflow v are 0 or 1.
    let pc = R[15] & ~1, n = core.N ? -1 : 0, z = core.Z ? 0 : 1, c = core.C ? 1 : 0, v = core.V ? 1 : 0;
    let count = 0;
    touched = true;
    while (count < limit) {
      if (touched) {
        touched = false;
        pending += wait;
        wait = 0;
        if (core.interruptsUpdated) {
          save(pc, n, z, c, v);
          touched = core.checkForInterrupts();
          if (touched) pending += ENTRY; // taken: look again, for one of higher priority
          pc = R[15] & ~1; n = core.N ? -1 : 0; z = core.Z ? 0 : 1; c = core.C ? 1 : 0; v = core.V ? 1 : 0;
        }
        if (mcu.stopped) break;
        nsPerCycle = 1e9 / mcu.clkSys;
        budget = clock.nextAlarm ? (clock.nextAlarm.nanos - clock.nanosCounter) / nsPerCycle : FOREVER;
      }
      let op;
      if (pc >>> 26 === 4) op = flash16[(pc & 0xffffff) >>> 1];
      else if (pc >>> 20 === 0x200) op = ram16[(pc & 0xfffff) >>> 1];
      else op = rom16[pc >>> 1];
      let next = pc + 2, cycles = 1, rare = false;
      const lo = op & 7, mid = (op >> 3) & 7, hi = (op >> 8) & 7; // the register fields
      const imm5 = (op >> 6) & 31, imm8 = op & 255;
      switch (op >>> 11) {
        case 0b00000: { // LSLS Rd, Rm, #
          const x = R[mid];
          n = z = R[lo] = x << imm5;
          if (imm5) c = (x >>> (32 - imm5)) & 1;
          break;
        }
        case 0b00001: { // LSRS Rd, Rm, # (0 means 32)
          const x = R[mid];
          n = z = R[lo] = imm5 ? x >>> imm5 : 0;
          c = (x >>> (imm5 ? imm5 - 1 : 31)) & 1;
          break;
        }
        case 0b00010: { // ASRS Rd, Rm, # (0 means 32)
          const x = R[mid];
          n = z = R[lo] = imm5 ? x >> imm5 : x >> 31;
          c = (x >>> (imm5 ? imm5 - 1 : 31)) & 1;
          break;
        }
        case 0b00011: { // ADDS, SUBS Rd, Rn, Rm or #3
          const a = R[mid], b = op & 0x400 ? imm5 & 7 : R[imm5 & 7];
          let r;
          if (op & 0x200) {
            r = (a - b) | 0; c = a >>> 0 >= b >>> 0 ? 1 : 0; v = ((a ^ b) & (a ^ r)) >>> 31;
          } else {
            r = (a + b) | 0; c = r >>> 0 < a >>> 0 ? 1 : 0; v = ((a ^ r) & (b ^ r)) >>> 31;
          }
          n = z = R[lo] = r;
          break;
        }
        case 0b00100: // MOVS Rd, #
          n = z = R[hi] = imm8;
          break;
        case 0b00101: case 0b00111: { // CMP, SUBS Rd, #
          const a = R[hi], r = (a - imm8) | 0;
          c = a >>> 0 >= imm8 ? 1 : 0; v = (a & ~r) >>> 31;
          n = z = r;
          if (op & 0x1000) R[hi] = r;
          break;
        }
        case 0b00110: { // ADDS Rd, #
          const a = R[hi], r = (a + imm8) | 0;
          c = r >>> 0 < a >>> 0 ? 1 : 0; v = (~a & r) >>> 31;
          n = z = R[hi] = r;
          break;
        }
        case 0b01000: { // register to register
          if (op & 0x400) { // ADD, CMP, MOV with high registers; BX, BLX
            const m = (op >> 3) & 15, d = ((op >> 4) & 8) | lo;
            const b = m === 15 ? pc + 4 : R[m];
            if ((op & 0x300) === 0x100) { // CMP
              const a = R[d], r = (a - b) | 0;
              c = a >>> 0 >= b >>> 0 ? 1 : 0; v = ((a ^ b) & (a ^ r)) >>> 31;
              n = z = r;
            } else if ((op & 0x300) === 0x300) { // BX, BLX
              if (isReturn(b)) { rare = true; break; }
              if (op & 0x80) R[14] = next | 1;
              next = b & ~1; cycles = 2;
            } else { // ADD, MOV
              const r = op & 0x200 ? b : ((d === 15 ? pc + 4 : R[d]) + b) | 0;
              if (d === 15) { next = r & ~1; cycles = 2; } else R[d] = d === 13 ? r & ~3 : r;
            }
            break;
          }
          const a = R[lo], b = R[mid];
          switch ((op >> 6) & 15) {
            case 0: n = z = R[lo] = a & b; break; // ANDS
            case 1: n = z = R[lo] = a ^ b; break; // EORS
            case 2: { // LSLS
              const s = b & 255;
              if (s) c = s > 32 ? 0 : (a >>> (32 - s)) & 1;
              n = z = R[lo] = s > 31 ? 0 : a << s;
              break;
            }
            case 3: { // LSRS
              const s = b & 255;
              if (s) c = s > 32 ? 0 : (a >>> (s - 1)) & 1;
              n = z = R[lo] = s > 31 ? 0 : (a >>> s) | 0;
              break;
            }
            case 4: { // ASRS
              const s = Math.min(b & 255, 32);
              if (s) c = (a >> (s - 1)) & 1;
              n = z = R[lo] = a >> Math.min(s, 31);
              break;
            }
            case 5: { // ADCS
              const r = (a + b + c) | 0;
              c = (a >>> 0) + (b >>> 0) + c > 0xffffffff ? 1 : 0; v = ((a ^ r) & (b ^ r)) >>> 31;
              n = z = R[lo] = r;
              break;
            }
            case 6: { // SBCS
              const borrow = 1 - c, r = (a - b - borrow) | 0;
              c = a >>> 0 >= (b >>> 0) + borrow ? 1 : 0; v = ((a ^ b) & (a ^ r)) >>> 31;
              n = z = R[lo] = r;
              break;
            }
            case 7: { // RORS
              const s = b & 31, r = (a >>> s) | (a << (32 - s));
              if (b & 255) c = r >>> 31;
              n = z = R[lo] = r;
              break;
            }
            case 8: n = z = a & b; break; // TST
            case 9: { // RSBS Rd, Rm, #0
              const r = -b | 0;
              c = b === 0 ? 1 : 0; v = (b & r) >>> 31;
              n = z = R[lo] = r;
              break;
            }
            case 10: { // CMP
              const r = (a - b) | 0;
              c = a >>> 0 >= b >>> 0 ? 1 : 0; v = ((a ^ b) & (a ^ r)) >>> 31;
              n = z = r;
              break;
            }
            case 11: { // CMN
              const r = (a + b) | 0;
              c = r >>> 0 < a >>> 0 ? 1 : 0; v = ((a ^ r) & (b ^ r)) >>> 31;
              n = z = r;
              break;
            }
            case 12: n = z = R[lo] = a | b; break; // ORRS
            case 13: n = z = R[lo] = Math.imul(a, b); break; // MULS
            case 14: n = z = R[lo] = a & ~b; break; // BICS
            case 15: n = z = R[lo] = ~b; break; // MVNS
          }
          break;
        }
        case 0b01001: R[hi] = load32(((pc + 4) & ~3) + (imm8 << 2)); cycles = 2; break; // LDR Rt, literal
        case 0b01010: case 0b01011: { // loads and stores at Rn + Rm
          const a = (R[mid] + R[imm5 & 7]) | 0;
          cycles = 2;
          switch ((op >> 9) & 7) {
            case 0: store32(a, R[lo]); break;
            case 1: store16(a, R[lo]); break;
            case 2: store8(a, R[lo]); break;
            case 3: R[lo] = (load8(a) << 24) >> 24; break;
            case 4: R[lo] = load32(a); break;
            case 5: R[lo] = load16(a); break;
            case 6: R[lo] = load8(a); break;
            case 7: R[lo] = (load16(a) << 16) >> 16; break;
          }
          break;
        }
        case 0b01100: store32((R[mid] + (imm5 << 2)) | 0, R[lo]); cycles = 2; break; // STR Rt, [Rn, #]
        case 0b01101: R[lo] = load32((R[mid] + (imm5 << 2)) | 0); cycles = 2; break; // LDR
        case 0b01110: store8((R[mid] + imm5) | 0, R[lo]); cycles = 2; break; // STRB
        case 0b01111: R[lo] = load8((R[mid] + imm5) | 0); cycles = 2; break; // LDRB
        case 0b10000: store16((R[mid] + (imm5 << 1)) | 0, R[lo]); cycles = 2; break; // STRH
        case 0b10001: R[lo] = load16((R[mid] + (imm5 << 1)) | 0); cycles = 2; break; // LDRH
        case 0b10010: store32((R[13] + (imm8 << 2)) | 0, R[hi]); cycles = 2; break; // STR Rt, [SP, #]
        case 0b10011: R[hi] = load32((R[13] + (imm8 << 2)) | 0); cycles = 2; break; // LDR Rt, [SP, #]
        case 0b10100: R[hi] = ((pc + 4) & ~3) + (imm8 << 2); break; // ADR
        case 0b10101: R[hi] = R[13] + (imm8 << 2); break; // ADD Rd, SP, #
        case 0b10110: // SP arithmetic, extensions, PUSH
          if (hi === 0) R[13] += op & 0x80 ? -((op & 127) << 2) : (op & 127) << 2;
          else if (hi === 2) {
            const x = R[mid];
            switch (imm5 & 3) {
              case 0: R[lo] = (x << 16) >> 16; break; // SXTH
              case 1: R[lo] = (x << 24) >> 24; break; // SXTB
              case 2: R[lo] = x & 0xffff; break; // UXTH
              case 3: R[lo] = x & 0xff; break; // UXTB
            }
          } else if (hi === 4 || hi === 5) {
            for (let bits = imm8; bits; bits &= bits - 1) cycles++;
            cycles += hi & 1;
            let a = R[13] - ((cycles - 1) << 2);
            R[13] = a;
            for (let i = 0; i < 8; i++) if (op & (1 << i)) { store32(a, R[i]); a += 4; }
            if (hi & 1) store32(a, R[14]);
          } else rare = true; // CPS
          break;
        case 0b10111: // REV, POP, hints
          if (hi === 4 || hi === 5) {
            for (let bits = imm8; bits; bits &= bits - 1) cycles++;
            let a = R[13];
            if (hi & 1) {
              const target = load32(a + ((cycles - 1) << 2));
              if (isReturn(target)) { cycles = 1; rare = true; break; }
              next = target & ~1;
              R[13] = a + (cycles << 2);
              cycles += 3;
            } else R[13] = a + ((cycles - 1) << 2);
            for (let i = 0; i < 8; i++) if (op & (1 << i)) { R[i] = load32(a); a += 4; }
          } else if (op >> 6 === 0b1011101000) { // REV
            const x = R[mid];
            R[lo] = (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
          } else rare = true;
          break;
        case 0b11000: { // STMIA
          let a = R[hi];
          for (let i = 0; i < 8; i++) if (op & (1 << i)) { store32(a, R[i]); a += 4; cycles++; }
          R[hi] = a;
          break;
        }
        case 0b11001: { // LDMIA, with write-back unless the base is loaded
          let a = R[hi];
          for (let i = 0; i < 8; i++) if (op & (1 << i)) { R[i] = load32(a); a += 4; cycles++; }
          if (!(op & (1 << hi))) R[hi] = a;
          break;
        }
        case 0b11010: case 0b11011: { // B<cond>; UDF and SVC
          let taken;
          switch ((op >> 9) & 7) {
            case 0: taken = z === 0; break; // EQ
            case 1: taken = c === 1; break; // CS
            case 2: taken = n < 0; break; // MI
            case 3: taken = v === 1; break; // VS
            case 4: taken = c === 1 && z !== 0; break; // HI
            case 5: taken = n < 0 === (v === 1); break; // GE
            case 6: taken = z !== 0 && n < 0 === (v === 1); break; // GT
            default: rare = true;
          }
          if (!rare && taken === !(op & 0x100)) { next = pc + 4 + ((op << 24) >> 23); cycles = 2; }
          break;
        }
        case 0b11100: next = pc + 4 + ((op << 21) >> 20); cycles = 2; break; // B
        case 0b11110: { // BL; MRS, MSR and barriers
          const op2 = load16(pc + 2);
          if ((op2 & 0xd000) !== 0xd000) { rare = true; break; }
          const s = (op >> 10) & 1, i1 = 1 ^ s ^ ((op2 >> 13) & 1), i2 = 1 ^ s ^ ((op2 >> 11) & 1);
          R[14] = (pc + 4) | 1;
          next = pc + 4 + ((-s << 24) | (i1 << 23) | (i2 << 22) | ((op & 0x3ff) << 12) | ((op2 & 0x7ff) << 1));
          cycles = 3;
          break;
        }
        default: rare = true;
      }
      count++;
      if (rare) {
        save(pc, n, z, c, v);
        onBus(0, 0);
        cycles = core.executeInstruction();
        next = R[15] & ~1; n = core.N ? -1 : 0; z = core.Z ? 0 : 1; c = core.C ? 1 : 0; v = core.V ? 1 : 0;
      }
      pc = next;
      pending += cycles;
      if (core.waiting) break;
      if (pending >= budget) {
        const due = pending;
        pending = 0;
        clock.tick(due * nsPerCycle);
        touched = true;
      }
    }
    save(pc, n, z, c, v);
    const due = pending + wait;
    pending = wait = 0;
    if (due) clock.tick(due * nsPerCycle);
    return count;
  }

  return { run };
}

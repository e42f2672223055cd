"""The anti-replay window as a table (RFC 4303 3.4.3, appendix A), and against a set of numbers seen."""

from ipsec.esp.replay import ReplayWindow


def offer(window, number):
    """Whether a number is taken; it is marked then."""
    high, low = number >> 16 & 0xFFFF, number & 0xFFFF
    epoch = window.guess_epoch(high, low)
    if not window.check(epoch, high, low):
        return False
    window.mark(epoch, high, low)
    return True


TABLE = (
    # number, taken (window of 32)
    (1, True), (1, False), (9, True), (8, True), (7, True), (7, False), (40, True), (9, False), (8, False), (10, True),
    (39, True), (39, False), (41, True), (72, True), (41, False), (42, True), (1000, True), (968, False), (969, True),
    (65535, True), (65536, True), (65535, False), (65534, True), (65536, False), (131072, True), (131041, True),
    (131040, False), (0x3FFFFFFF, True), (0x40000000, True), (0x3FFFFFFF, False), (0x3FFFFFFE, True), (0xFFFFFFFF, True),
    (0xFFFFFFFF, False), (0xFFFFFFE0, True), (0xFFFFFFDF, False), (1, False),
)  # fmt: skip


def test_table():
    window = ReplayWindow(32)
    for number, taken in TABLE:
        assert offer(window, number) == taken, number


def test_against_a_set_in_a_scrambled_order():
    for size in (32, 64, 128, 1024):
        window = ReplayWindow(size)
        seen = set()
        highest = 0
        number = 7
        for i in range(2000):
            number = (number * 1103 + 12345) % (i + 100) + i
            expected = number > 0 and number not in seen and number > highest - size
            if number > 0:
                assert offer(window, number) == expected, (size, i, number)
            seen.add(number)
            highest = max(highest, number)


def test_esn_against_a_set_around_the_border():
    size = 64
    window = ReplayWindow(size, True)
    seen = set()
    base = (1 << 32) - 500
    highest = 0
    step = 3
    for i in range(1000):
        step = (step * 31 + 17) % 61
        number = base + i - step + 30
        low32 = number & 0xFFFFFFFF
        high, low = low32 >> 16, low32 & 0xFFFF
        if number <= highest - size:
            continue  # ESN cannot tell such a number from one an epoch ahead; the ICV does
        if i == 0:
            window.mark(0, high, low)
            seen.add(number)
            highest = number
            continue
        epoch = window.guess_epoch(high, low)
        assert epoch == number >> 32, (i, number)
        assert window.check(epoch, high, low) == (number not in seen), (i, number)
        window.mark(epoch, high, low)
        seen.add(number)
        highest = max(highest, number)
    assert window.epoch == 1


def test_esn_jump_of_a_whole_epoch_is_not_taken_for_a_replay():
    window = ReplayWindow(64, True)
    window.mark(0, 0x8000, 0)
    assert window.guess_epoch(0x7000, 0) == 1  # far behind: it must be the next epoch
    assert window.guess_epoch(0x9000, 0) == 0


def test_check_changes_nothing():
    window = ReplayWindow(32)
    for _ in range(3):
        assert window.check(0, 0, 5)
    window.mark(0, 0, 5)
    assert not window.check(0, 0, 5)

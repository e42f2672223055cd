"""docs/conformance.md is what the tests say, and every gap in it is a known one."""

from host_tests import rows


def test_the_page_is_current():
    assert rows.PAGE.read_text() == rows.page(), "run: python -m host_tests.rows"


def test_every_row_has_a_test_or_a_reason():
    found = rows.coverage()
    for table in rows.read_rows().values():
        for row, _, limit in table:
            assert found[row] or limit.startswith("Not built"), row


def test_numbers_of_a_row():
    assert rows.numbers("1.1.3.1-2,8") == {"1.1.3.1", "1.1.3.2", "1.1.3.8"}
    assert rows.numbers("1.1.4.x") == {"1.1.4.x"} and rows.numbers("2.1.1") == {"2.1.1"}
    names = ["1.1.2.1-4", "1.2.1-5", "1.1.4.x", "esp", "headers"]
    assert rows.row_of("test_en_i_1_1_2_3_retransmission", names) == "1.1.2.1-4"
    assert rows.row_of("test_en_i_1_2_3_rekey", names) == "1.2.1-5"
    assert rows.row_of("test_en_i_1_1_4_x_order", names) == "1.1.4.x"
    assert rows.row_of("test_class_headers", names) == "headers" and rows.row_of("test_other", names) is None

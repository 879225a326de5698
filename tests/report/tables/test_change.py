from defgan.facs import EXPRESSIONS
from defgan.report.markup import NOT_AVAILABLE


def test_a_cell_is_empty_where_a_method_has_no_such_thing(pages):
    table = pages["change"].table.set_index("method")
    assert table.loc["DefGAN", "mean offset, px at 128 px"] == "0.50"
    assert table.loc["GANimation", "mean offset, px at 128 px"] == NOT_AVAILABLE
    assert [column for column in table if "in the regions, " in column] == [
        f"in the regions, {name}, %" for name in EXPRESSIONS
    ]

"""What stands on the page is escaped, ordered and inside the file."""

import json

import pytest
from PIL import Image

from defgan.report.page import number_of, read_document, read_documents, read_figures

CAPTION = {"title": "Fig. 4: Faces", "shows": "faces", "data": "", "methods": [], "substitutes": [], "params": ["seed"]}


def test_the_papers_figures_come_first():
    names = ["training_curves", "fig_11_b", "gain_over_copying", "fig_02_a"]
    assert sorted(names, key=number_of) == ["fig_02_a", "fig_11_b", "gain_over_copying", "training_curves"]


def test_figures_have_their_caption_size_values_and_files(tmp_path):
    Image.new("RGB", (40, 20)).save(tmp_path / "fig_04_faces.png")
    (tmp_path / "fig_04_faces.pdf").write_bytes(b"%PDF")
    (tmp_path / "captions.json").write_text(json.dumps({"fig_04_faces": CAPTION}))
    [figure] = read_figures([tmp_path], {"seed": 3, "image_size": 64}, tmp_path.parent / "index.html")
    assert (figure.width, figure.height, figure.params) == (40, 20, {"seed": 3})
    assert figure.image.startswith("data:image/png;base64,")
    assert figure.files == [f"{tmp_path.name}/fig_04_faces.png", f"{tmp_path.name}/fig_04_faces.pdf"]


def test_markdown_is_escaped_and_carries_its_pictures(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "faces.png")
    path = tmp_path / "wild.md"
    lines = ["# Role wild", "<script>alert(1)</script>", "## Ages", "![ages](faces.png)"]
    lines += ["| a | b |\n| --- | --- |\n| 1 | < 2 |", "[x](javascript:alert(1))"]
    path.write_text("\n\n".join(lines))
    document = read_document(path)
    assert document.title == "Role wild" and document.name == "wild"
    assert "<script" not in document.body and "&lt;script&gt;" in document.body
    assert 'href="javascript' not in document.body
    assert "<h4>Ages</h4>" in document.body and 'src="data:image/png;base64,' in document.body
    assert "<td>&lt; 2</td>" in document.body and document.body.count("<table>") == document.body.count("</table>") == 1


def test_documents_are_ordered_and_may_be_absent(tmp_path):
    assert read_documents(tmp_path / "data") == []
    for name in ("b", "a", "table_1"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n")
    assert [document.name for document in read_documents(tmp_path, first="table_1")] == ["table_1", "a", "b"]


@pytest.mark.parametrize("content", ["", "no heading"])
def test_a_document_without_heading_is_called_by_its_file(tmp_path, content):
    (tmp_path / "card.md").write_text(content)
    assert read_document(tmp_path / "card.md").title == "card"

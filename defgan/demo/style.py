"""How the page looks."""

import base64

import gradio as gr

from defgan.demo.examples import examples

_CSS = """
.gradio-container { overflow: visible !important; max-width: 1320px !important; margin: 0 auto; }
.faces { flex-wrap: nowrap !important; }
.faces button { aspect-ratio: 1; padding: 0; background-size: cover; color: transparent !important; }
.figures { display: grid; gap: 10px; }
.figures.parts { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.results { flex-wrap: nowrap !important; gap: 10px !important; }
/* Two pictures with a gap, and one: all have the same width. */
.results > div, .results .html-container { padding: 0 !important; }
.results > .default { flex: 2 1 10px !important; }
.results > .rival { flex: 1 1 0 !important; }
.figures.others { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.figures.clips { grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); }
.to-come { aspect-ratio: 1; border: 2px dashed var(--border-color-primary); border-radius: 4px; display: grid;
  place-items: center; opacity: 0.7; max-height: 70vh; }
.figures figure { margin: 0; }
.figures :is(img, video) { width: 100%; display: block; border-radius: 4px; margin: 0; }
.figures figcaption { font-size: 13px; line-height: 1.3; padding: 4px 0; }
.figures.clips :is(img, video) { max-height: 70vh; object-fit: contain; background: black; }
.wipe { position: relative; --cut: 50%; }
.wipe .before { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--cut)) 0 0); }
.wipe input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.wipe::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; background: white; }
@media (max-width: 760px) {
  /* The results stay in view above the sliders. */
  .gradio-container main { padding: 12px !important; }
  .body { flex-direction: column !important; flex-wrap: nowrap !important; }
  .body > * { width: 100%; min-width: 0 !important; }
  .shown { display: contents !important; }
  .results { order: -1; position: sticky; top: 0; z-index: 60; background: var(--body-background-fill); }
  .results, .figures.models { gap: 4px !important; }
  .results > .default { flex-basis: 4px !important; }
  .to-come { aspect-ratio: auto; min-height: 80px; }
  .figures.parts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
"""
_SYSTEM_FONTS = ("ui-sans-serif", "system-ui", "sans-serif")
THEME = gr.themes.Base(
    # Only fonts of the visitor's system: nothing is fetched from other servers.
    font=[gr.themes.Font(name) for name in _SYSTEM_FONTS],
    font_mono=[gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")],
)


def css() -> str:
    """The page's CSS, with the example faces as pictures of their buttons."""
    uris = (f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}" for path in examples())
    faces = (f"#face{number} {{ background-image: url({uri}); }}\n" for number, uri in enumerate(uris, 1))
    return _CSS + "".join(faces)

"""From an executed notebook to one self-contained page: code hidden, nothing loaded from elsewhere.

nbconvert's own HTML brings 270 kB of style and three scripts from a network. This exporter keeps nbconvert's interface
(configuration, preprocessors, ``jupyter nbconvert --to bpo_report``) and brings its own page.
"""

# nbconvert and nbformat are typed in part only.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

import bpo_analysis
from bpo_analysis.page import blocks, document
from bpo_analysis.page.paper import RunningHead, with_section_numbers

__all__ = ["RECORD_TYPE", "ReportExporter", "collect_record", "render_report"]

RECORD_TYPE: Final = "application/vnd.bpo+json"
_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_NO_DESCRIPTION: Final = "Picture without a description."
_ID: Final = re.compile(r'\bid="([^"]+)"')
_INNER_LINK: Final = re.compile(r'<a (class="where" )?href="#([^"]+)">(.*?)</a>', re.DOTALL)


class ReportExporter(HTMLExporter):
    """Exports a report notebook; registered with nbconvert as ``bpo_report``."""

    export_from_notebook = "BPO report"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "bpo_report"

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        # nbconvert finds templates under share/jupyter, which an editable install does not fill.
        return [str(Path(__file__).parent / "nbconvert")]

    @default("exclude_anchor_links")
    def _exclude_anchor_links_default(self) -> bool:
        return True

    @property
    def default_config(self) -> Config:
        """Hide what is tagged ``remove-cell`` or ``remove-output``; join what was printed in pieces."""
        config: Config = super().default_config.copy()
        config.merge(
            {
                "TagRemovePreprocessor": {
                    "enabled": True,
                    "remove_cell_tags": {"remove-cell"},
                    "remove_all_outputs_tags": {"remove-output"},
                },
                "CoalesceStreamsPreprocessor": {"enabled": True},
                "HighlightMagicsPreprocessor": {"enabled": False},
            }
        )
        return config

    def default_filters(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield nbconvert's filters and those that the page's template uses.

        Yields
        ------
        tuple of str and callable
            Name and filter.
        """
        yield from super().default_filters()
        yield "report_title", _title
        yield "report_body", self._body
        yield "page_head", _head
        yield "page_navigation", _navigation
        yield "page_foot", lambda _: document.foot()
        yield "made_by", lambda _: Markup("Made by bpo_analysis {}.").format(bpo_analysis.__version__)

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Convert an executed notebook to a page.

        Parameters
        ----------
        nb : NotebookNode
            The executed notebook.
        resources : dict, optional
            ``resources["report"]`` may hold ``title`` and ``index``, the address of the index page.
        **kwargs
            Passed on to nbconvert.

        Returns
        -------
        tuple of str and dict
            The page, and nbconvert's resources.
        """
        # Not HTMLExporter's own: it takes the page apart and puts it together again with BeautifulSoup, which costs
        # more than everything else here and writes the attributes of SVG in lower case.
        told = dict(resources or {})
        # Before a preprocessor takes the cell away.
        told["report"] = {"heading": _first_heading(nb)} | told.get("report", {})
        page, resources = TemplateExporter.from_notebook_node(self, nb, told, **kwargs)
        return document.without_turns(page), resources

    def _body(self, cells: Sequence[NotebookNode]) -> Markup:
        """Everything the notebook shows, in order, without its code."""
        parts = []
        for cell in cells:
            if cell.cell_type == "markdown":
                parts.append(self._markdown(cell.source, cell))
            elif cell.cell_type == "code":
                parts.extend(self._output(output) for output in cell.outputs)
        return with_section_numbers(_without_dead_links(Markup("\n").join(part for part in parts if part)))

    def _markdown(self, text: str, cell: Mapping[str, Any]) -> Markup:
        # nbconvert's filter looks for attachments in the context of its template.
        return Markup(self.markdown2html({"cell": cell, "resources": {}}, text))

    def _output(self, output: NotebookNode) -> Markup:
        if output.output_type == "stream":
            return _stream(output)
        if output.output_type == "error":
            return _error(output)
        data = output.data
        if "text/html" in data:
            return _html(data["text/html"])
        if "image/svg+xml" in data:
            return _svg(data["image/svg+xml"], _alt(output, "image/svg+xml"))
        for kind in _PICTURES:
            if kind in data:
                return _picture(output, kind)
        if "text/markdown" in data:
            return self._markdown(data["text/markdown"], {})
        # An output for machines only brings its repr along, which tells the reader nothing.
        if "text/plain" in data and RECORD_TYPE not in data:
            return Markup("<pre>{}</pre>").format(data["text/plain"])
        return Markup("")


def _without_dead_links(body: Markup) -> Markup:
    """Leave the words of links to what this page does not have; a mere pointer (class where) goes with its words."""
    there = set(_ID.findall(body))

    def kept(link: re.Match[str]) -> str:
        pointer, target, words = link.groups()
        return link[0] if target in there else "" if pointer else words

    return Markup(_INNER_LINK.sub(kept, body))


def render_report(notebook: NotebookNode, *, title: str = "", index: str = "") -> str:
    """Return the page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs.
    title : str, default ""
        Title of the page; empty takes it from the notebook.
    index : str, default ""
        Address of the index page, relative to this one; empty leaves the link out.

    Returns
    -------
    str
        A complete HTML document.
    """
    resources = {"report": {"title": title, "index": index}, "metadata": {"name": ""}}
    page, _ = ReportExporter().from_notebook_node(notebook, resources=resources)
    return page


def collect_record(notebook: NotebookNode) -> dict[str, Any]:
    """Merge what the cells of an executed notebook say about the run for machines.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs.

    Returns
    -------
    dict
        Keys such as ``headline``, ``rows``, ``data``, ``kpis``; of two outputs with the same key the later wins.
    """
    record: dict[str, Any] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(RECORD_TYPE)
            if isinstance(found, Mapping):
                record.update(found)
    return record


def _title(notebook: NotebookNode, resources: Mapping[str, Any]) -> str:
    """Who, when, what; or the first heading; or the name of the file."""
    about = resources.get("report", {})
    named = filter(None, [*_who_and_when(notebook), about.get("heading", "")])
    return str(about.get("title") or " · ".join(named) or resources.get("metadata", {}).get("name") or "Report")


def _who_and_when(notebook: NotebookNode) -> list[str]:
    headline = collect_record(notebook).get("headline")
    if not isinstance(headline, Mapping):
        return []
    named = headline.get("partner"), headline.get("period_label") or headline.get("period")
    return [str(part) for part in named if part]


def _first_heading(notebook: NotebookNode) -> str:
    sources = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (re.search(r"^#+\s+(.+)$", source, flags=re.MULTILINE) for source in sources)
    return next((heading[1].strip() for heading in found if heading), "")


def _head(title: str, notebook: NotebookNode, resources: Mapping[str, Any]) -> Markup:
    """The page's head; in its margins who, when, for whom and what, or the title where that is not known."""
    named = _who_and_when(notebook)
    if not named:
        return document.head(title)
    given = notebook.metadata.get("papermill", {}).get("parameters", {})
    edition = "Partner's edition" if given.get("edition") == "partner" else "Client's edition"
    draft = "Draft · " if given.get("status") == "draft" else ""
    what = str(resources.get("report", {}).get("heading", ""))
    running = RunningHead(who=" · ".join(named), edition=f"{draft}{edition}", what=what)
    return document.head(title, running=running)


def _navigation(body: Markup, resources: Mapping[str, Any]) -> Markup:
    return document.navigation(body, index=str(resources.get("report", {}).get("index") or ""))


def _stream(output: NotebookNode) -> Markup:
    text = strip_ansi(output.text)
    if output.name == "stderr":
        # Warnings belong on the page, but not between a leader and the findings.
        return blocks.details("Messages while this page was made", Markup("<pre>{}</pre>").format(text))
    return Markup("<pre>{}</pre>").format(text)


def _error(output: NotebookNode) -> Markup:
    return Markup('<div class="note concern"><strong>{}: {}</strong></div><pre class="error">{}</pre>').format(
        output.ename, output.evalue, strip_ansi("\n".join(output.traceback))
    )


def _html(text: str) -> Markup:
    """HTML is trusted: the sections escape what comes from data. A data frame's table gets what it lacks."""
    if 'class="dataframe' not in text:
        return Markup(text)
    text = re.sub(r"<style\b.*?</style>", "", text, flags=re.DOTALL)
    start, middle, end = text.partition("</thead>")
    text = re.sub(r"<th(?=[ >])", '<th scope="col"', start) + middle + re.sub(r"<th(?=[ >])", '<th scope="row"', end)
    text = text.replace(' border="1"', "").replace(' style="text-align: right;"', "")
    return Markup('<div class="scroll" tabindex="0" role="group" aria-label="Table">{}</div>').format(Markup(text))


def _svg(text: str, alt: str) -> Markup:
    body = text[text.index("<svg") :]
    opening, close, rest = body.partition(">")
    label = Markup(' role="img" aria-label="{}"').format(alt)
    return Markup('<div class="plot" tabindex="0" role="group" aria-label="Chart, scrolls sideways">') + (
        Markup(opening) + label + Markup(close + rest) + Markup("</div>")
    )


def _picture(output: NotebookNode, kind: str) -> Markup:
    sizes = output.get("metadata", {}).get(kind, {})
    size = Markup("").join(
        Markup(' {}="{}"').format(name, int(sizes[name])) for name in ("width", "height") if name in sizes
    )
    return Markup('<p><img src="data:{};base64,{}" alt="{}"{}></p>').format(
        kind, "".join(output.data[kind].split()), _alt(output, kind), size
    )


def _alt(output: NotebookNode, kind: str) -> str:
    metadata = output.get("metadata", {})
    return str(metadata.get(kind, {}).get("alt") or metadata.get("alt") or _NO_DESCRIPTION)

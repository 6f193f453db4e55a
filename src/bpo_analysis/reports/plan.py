"""Which reports to run: templates by name, a folder name for every partner, parameters checked."""

from __future__ import annotations

import glob
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bpo_analysis.errors import ParameterError, TemplateError, UnknownNameError, suggest
from bpo_analysis.periods import parse_period
from bpo_analysis.reports.parameters import check_parameters, read_parameters

__all__ = [
    "DEFAULT_TEMPLATE",
    "PORTFOLIO_SLUG",
    "ReportSpec",
    "accepted_by",
    "find_template",
    "is_about_pilots",
    "is_about_portfolio",
    "list_templates",
    "partner_slugs",
    "plan_reports",
]

DEFAULT_TEMPLATE: Final = "monthly_partner_review"
# Set by the runner for every report, so never by the user.
RUNNER_PARAMETERS: Final = ("partner", "period", "data")
PARTNER_PARAMETER: Final = "partner"
"""A template without it is about all partners together, and is made once."""
PILOT_PARAMETER: Final = "pilot"
"""A template that accepts it is made for each pilot, not for each partner."""
PREVIOUS_PARAMETER: Final = "previous"
"""A template that accepts it is told where the numbers of the last report of the same kind are."""
VARIANT_PARAMETERS: Final = ("package", "edition", "audience")
"""Parameters whose value, where it is not the default, is part of the file name: such a page never takes the place of
the usual one."""
PORTFOLIO_SLUG: Final = "_all"
"""Folder of the pages about all partners; no partner's folder begins with an underscore."""

_SLUG_BYTES: Final = 80  # leaves room for "<template>.failed.ipynb" and for encrypted file systems (143 bytes a name)
_HASH_CHARS: Final = 8
# Names that Windows refuses for a folder, whatever follows the first dot.
_RESERVED: Final = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(10)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSpec:
    """One report to run: a template, a partner, a period, and perhaps one of the partner's pilots.

    Parameters
    ----------
    template : Path
        The notebook.
    partner_id, partner_name : str
        As in the dataset.
    slug : str
        Name of the partner's folder.
    period : str
        Label of the period, such as ``2026-03``.
    parameters : dict
        Every parameter of the template with its value.
    folder : Path
        Where the outputs go.
    pilot : str
        Name of the pilot in file names, for templates that are made for each pilot.
    variant : str
        What sets the page apart from the usual one of its template, in file names: package, edition, audience.
    """

    template: Path
    partner_id: str
    partner_name: str
    slug: str
    period: str
    folder: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    pilot: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """Stem of the output files: the name of the template, and of the pilot, edition or audience it is about."""
        return "-".join(filter(None, (self.template.stem, self.pilot, self.variant)))


def template_folders() -> list[Path]:
    """Return where templates are looked for: here, in the repository of an editable install, in the installed package.

    Returns
    -------
    list of Path
        Existing folders, nearest first.
    """
    package = Path(__file__).resolve().parents[1]
    repository = package.parents[1]
    candidates = [Path("templates").resolve()]
    if (repository / "pyproject.toml").is_file():
        candidates.append(repository / "templates")
    candidates.append(package / "templates")
    return [folder for folder in dict.fromkeys(candidates) if folder.is_dir()]


def list_templates() -> dict[str, Path]:
    """Return every template by name.

    Returns
    -------
    dict of str to Path
        Sorted by name; of two with the same name the nearer one.
    """
    found: dict[str, Path] = {}
    for folder in template_folders():
        for path in sorted(folder.glob("*.ipynb")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_template(name: str) -> Path:
    """Return the notebook of a template.

    Parameters
    ----------
    name : str
        A name from ``list_templates`` or the path of a notebook.

    Returns
    -------
    Path
        Absolute path.

    Raises
    ------
    TemplateError
        If a path is given and no file is there.
    UnknownNameError
        If no template has that name.
    """
    if name.endswith(".ipynb") or "/" in name or "\\" in name:
        path = Path(name).resolve()
        if not path.is_file():
            raise TemplateError(f"There is no template file {str(path)!r}.")
        return path
    known = list_templates()
    if name not in known:
        raise UnknownNameError("template", name, known)
    return known[name]


def partner_slugs(partners: Mapping[str, str]) -> dict[str, str]:
    """Return a folder name for every partner of a dataset.

    Parameters
    ----------
    partners : mapping of str to str
        Name by partner_id, for all partners of the dataset and not only those that run: a name must not depend on them.

    Returns
    -------
    dict of str to str
        Slug by partner_id: letters and digits of any script in lower case, everything else a dash, at most 80 bytes,
        unique also where a file system ignores case. A slug that was cut or shared ends in a hash of the partner_id.

    Examples
    --------
    >>> partner_slugs({"p1": "Nordlicht GmbH & Co.", "p2": "../etc", "p3": "Çağrı 24/7"})
    {'p1': 'nordlicht-gmbh-co', 'p2': 'etc', 'p3': 'çağrı-24-7'}
    """
    plain = {key: _slug(name) for key, name in partners.items()}
    marked = {key for key, slug in plain.items() if len(slug.encode()) > _SLUG_BYTES or slug in _RESERVED}
    while True:
        slugs = {key: _with_hash(slug, key) if key in marked else slug for key, slug in plain.items()}
        counts = Counter(slug.casefold() for slug in slugs.values())
        shared = {key for key, slug in slugs.items() if counts[slug.casefold()] > 1} - marked
        if not shared:
            return slugs
        marked |= shared


def plan_reports(
    templates: Sequence[Path],
    partners: Mapping[str, str],
    *,
    period: str,
    data: Path,
    out: Path,
    chosen: Collection[str] = (),
    pilots: Mapping[str, str] | None = None,
    pilots_until: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> list[ReportSpec]:
    """Return one specification for every template and partner (or pilot), or raise before anything runs.

    Parameters
    ----------
    templates : sequence of Path
        Notebooks.
    partners : mapping of str to str
        Name by partner_id, for all partners of the dataset.
    period : str
        Label of the period, such as ``2026-03``; also the name of its folder.
    data : Path
        The dataset; the template gets it as an absolute path.
    out : Path
        Folder that holds the periods.
    chosen : collection of str
        The partner_ids to run; empty for all.
    pilots : mapping of str to str, optional
        Partner_id of every pilot by its id. A template that accepts the parameter ``pilot`` is made once for each
        pilot of a partner, or only for the one that ``parameters`` name.
    pilots_until : str, optional
        Period that pages about pilots get, by default ``period``. Empty: each pilot as far as it goes, for a pilot ends
        when its file says and not with a month.
    parameters : mapping, optional
        Further parameters, as text or as values. Each must be accepted by at least one of the templates.

    Returns
    -------
    list of ReportSpec
        Pages about all partners first, then partner by partner in the order of the dataset.

    Raises
    ------
    ParameterError
        If the parameters do not fit a template, or a template about pilots finds none.
    """
    given = check_given(templates, parameters or {})
    slugs = partner_slugs(partners)
    pilot_slugs = partner_slugs({pilot: pilot for pilot in pilots or {}})
    subjects = {template: _subjects(template, given[template], partners, pilots or {}) for template in templates}
    target, about_all = Path(out).resolve() / period, [t for t in templates if is_about_portfolio(t)]
    common = {"period": period, "data": str(Path(data).resolve())}
    specs = [
        _spec(template, common, given[template], PORTFOLIO_SLUG, target, partner_id="", partner_name="All partners")
        for template in about_all
    ]
    for partner_id, name in partners.items():
        if chosen and partner_id not in chosen:
            continue
        for template in [t for t in templates if t not in about_all]:
            runner = {PARTNER_PARAMETER: partner_id, **common}
            if pilots_until is not None and is_about_pilots(template):
                runner["period"] = pilots_until
            specs += [
                _spec(
                    template,
                    {**runner, **about},
                    given[template],
                    slugs[partner_id],
                    target,
                    partner_id=partner_id,
                    partner_name=name,
                    pilot=pilot_slugs.get(about.get(PILOT_PARAMETER, ""), ""),
                )
                for about in subjects[template].get(partner_id, ())
            ]
    for template in templates:
        if partners and not any(spec.template == template for spec in specs):
            raise ParameterError(_no_pilot(template, pilots or {}, given[template], chosen))
    return specs


def _spec(
    template: Path, runner: Mapping[str, Any], given: Mapping[str, Any], slug: str, target: Path, **about: Any
) -> ReportSpec:
    """One report: parameters checked, folder and file name settled."""
    defaults = {parameter.name: parameter.default for parameter in read_parameters(template)}
    variant = "-".join(
        _slug(str(given[name])) + ("-edition" if name == "edition" else "")
        for name in VARIANT_PARAMETERS
        if name in given and str(given[name]) != str(defaults.get(name))
    )
    spec = ReportSpec(
        template=template, slug=slug, period=target.name, folder=target / slug, variant=variant, **about
    )  # fmt: skip
    told = {**given, **runner}
    if PREVIOUS_PARAMETER in defaults and PREVIOUS_PARAMETER not in given:
        told[PREVIOUS_PARAMETER] = _previous(spec)
    return replace(spec, parameters=check_parameters(template, told))


def _previous(spec: ReportSpec) -> str:
    """Return the numbers of the last report of the same kind before this period, or an empty text."""
    grain = parse_period(spec.period).grain if spec.period else None
    earlier = []
    for file in spec.folder.parent.parent.glob(f"*/{glob.escape(spec.slug)}/{glob.escape(spec.name)}.kpis.csv"):
        try:
            period = parse_period(file.parent.parent.name)
        except ValueError:
            continue  # a folder of another kind
        if period.grain == grain and period.end < parse_period(spec.period).start:
            earlier.append((period.end, str(file)))
    return max(earlier, default=(None, ""))[1]


def _subjects(
    template: Path, given: Mapping[str, Any], partners: Collection[str], pilots: Mapping[str, str]
) -> dict[str, list[dict[str, str]]]:
    """Return by partner what the template is made for: the partner itself, or each of its pilots."""
    if not is_about_pilots(template):
        return {partner: [{}] for partner in partners}
    asked = str(given.get(PILOT_PARAMETER, ""))
    found: dict[str, list[dict[str, str]]] = {}
    for pilot, partner in pilots.items():
        if asked in ("", pilot):
            found.setdefault(partner, []).append({PILOT_PARAMETER: pilot})
    return found


def is_about_pilots(template: Path) -> bool:
    """Return whether a template is made for each pilot instead of each partner."""
    return PILOT_PARAMETER in {parameter.name for parameter in read_parameters(template)}


def is_about_portfolio(template: Path) -> bool:
    """Return whether a template is about all partners together."""
    return PARTNER_PARAMETER not in {parameter.name for parameter in read_parameters(template)}


def _no_pilot(template: Path, pilots: Mapping[str, str], given: Mapping[str, Any], chosen: Collection[str]) -> str:
    asked = str(given.get(PILOT_PARAMETER, ""))
    if not pilots:
        return (
            f"Template {template.stem!r} is made for each pilot, and this dataset has none. "
            "Describe one in pilots/<id>.toml beside dataset.toml."
        )
    known = ", ".join(f"{pilot} (partner {partner})" for pilot, partner in pilots.items())
    if asked and asked not in pilots:
        return f"There is no pilot {asked!r}.{suggest(asked, pilots)} This dataset has: {known}."
    return (
        f"Template {template.stem!r}: no pilot of {', '.join(chosen) or 'these partners'}. This dataset has: {known}."
    )


def accepted_by(templates: Sequence[Path], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the user's parameters that at least one of these templates accepts.

    Parameters
    ----------
    templates : sequence of Path
        Some of the templates that :func:`check_given` has checked.
    parameters : mapping
        What the user gave.
    """
    names = {parameter.name for template in templates for parameter in read_parameters(template)}
    return {name: value for name, value in parameters.items() if name in names}


def check_given(templates: Sequence[Path], parameters: Mapping[str, Any]) -> dict[Path, dict[str, Any]]:
    """Share the user's parameters out to the templates that accept them; needs no data, so it can run first.

    Parameters
    ----------
    templates : sequence of Path
        Notebooks, with different names.
    parameters : mapping
        What the user gave.

    Returns
    -------
    dict of Path to dict
        For each template the parameters it accepts.

    Raises
    ------
    ParameterError
        If a parameter is the runner's own, fits no template, or has the wrong type; or if two templates share a name,
        or one does not accept what the runner sets.
    """
    own = [name for name in RUNNER_PARAMETERS if name in parameters]
    if own:
        raise ParameterError(f"{', '.join(own)} cannot be given with -p; use --partner, --period and --data.")
    names = Counter(template.stem for template in templates)
    double = sorted(name for name, times in names.items() if times > 1)
    if double:
        raise ParameterError(f"Templates must have different names, but these came twice: {', '.join(double)}.")
    accepted = {template: {p.name for p in read_parameters(template)} for template in templates}
    anywhere = set().union(*accepted.values())
    shared: dict[Path, dict[str, Any]] = {}
    for template, names_here in accepted.items():
        set_here = [name for name in RUNNER_PARAMETERS if name != PARTNER_PARAMETER or name in names_here]
        lacking = [name for name in set_here if name not in names_here]
        if lacking:
            raise ParameterError(
                f"Template {template.stem!r} must accept {', '.join(lacking)} to be run by bpo report."
            )
        # A name no template knows is left in, so that the check below names it with a suggestion.
        shared[template] = {k: v for k, v in parameters.items() if k in names_here or k not in anywhere}
        check_parameters(template, {**dict.fromkeys(set_here, ""), **shared[template]})
    return shared


def _slug(name: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())
    # Marks are kept with the letters they belong to; scripts of India and Thailand are unreadable without them.
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in text)
    return "-".join(kept.split()) or "partner"


def _with_hash(slug: str, partner_id: str) -> str:
    digest = hashlib.blake2b(partner_id.encode(), digest_size=_HASH_CHARS // 2).hexdigest()
    room = _SLUG_BYTES - _HASH_CHARS - 1
    stem = slug.encode()[:room].decode(errors="ignore").rstrip("-")
    return f"{stem}-{digest}"

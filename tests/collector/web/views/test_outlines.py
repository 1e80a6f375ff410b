"""Outlines that the server draws: of the right country, and none where nobody knows them."""

from collector.web.charts.choropleth import Area, choropleth
from collector.web.views import outlines

DEMO = {"Norte": (-60.15, 13.8), "bahia honda": (-59.9, 13.7), "Costa Sur": (-60.1, 13.6), "Nowhere": (-60.1, 13.6)}


def test_areas_are_found_by_name_and_place() -> None:
    found = outlines.outlines_of(DEMO)
    assert set(found) == {"Norte", "bahia honda", "Costa Sur"}
    # Many islands have a Saint George: where the schools lie says which.
    parishes = {"Saint George": (-59.55, 13.13), "Saint Philip": (-59.45, 13.12), "Christ Church": (-59.53, 13.08)}
    of_barbados = outlines.outlines_of(parishes)
    assert set(of_barbados) == set(parishes)
    assert -59.7 < of_barbados["Saint George"].box[0] < -59.4
    assert outlines.outlines_of(dict.fromkeys(parishes, (10.0, 50.0))) == {}
    assert outlines.outlines_of({"Norte": DEMO["Norte"], "A": (0.0, 0.0)}) == {}  # most have none
    assert outlines.outlines_of({}) == {}


def test_the_picture_has_each_area_with_its_figure_and_hatches_what_is_too_few() -> None:
    shapes = outlines.outlines_of(DEMO)
    areas = [
        Area("Norte", "88 %", 0.88, shapes["Norte"].rings),
        Area("Bahía Honda", "100 %", 1.0, shapes["bahia honda"].rings),
        Area("Costa <Sur>", "too few", None, shapes["Costa Sur"].rings),
    ]
    drawn = choropleth(areas, "Norte 88 %", 330, 260)
    assert drawn.count('class="area shade-4"') == 2 and 'class="area few"' in drawn
    assert all(f">{word}<" in drawn for word in ("88 %", "Norte", "100 %", "too few", "Costa &lt;Sur&gt;"))
    assert 'aria-label="Norte 88 %"' in drawn and len(drawn) < 12_000

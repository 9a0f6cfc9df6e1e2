"""The report, as a browser without a network sees it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Page

from adapters.viewer.html import Settings, build, page_name
from adapters.viewer.html.film import encode, joined, mosaic_of
from datagen import pipeline
from datagen.scene import SE3, Camera
from datagen.scene.scene import box_corners_m
from datagen.sensors.projection import project

PATIENCE_MS = 120_000
"""A busy machine paints slowly."""
PIXELS = "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)"


@dataclass(kw_only=True)
class Visit:
    """A page that was opened, and what it complained of or asked the outside for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser, run_folder) -> Iterator[Visit]:
    """The report opened from where it lies, its first clip standing still on the first frame."""
    context = browser.new_context(viewport={"width": 900, "height": 600}, offline=True, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(page=context.new_page())
    visit.page.on("console", lambda message: visit.complaints.append(message.text) if message.type == "error" else None)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    visit.page.goto((run_folder / "report.html").as_uri())
    visit.page.locator(".clip").first.evaluate("card => card.scrollIntoView()")
    visit.page.wait_for_function("() => players.values().next().value.video?.readyState >= 2")
    still(visit.page, frame=0)
    yield visit
    context.close()


def still(page: Page, *, frame: int) -> None:
    """Stop the first clip at a frame, and wait until that is drawn."""
    page.evaluate("frame => players.values().next().value.seek(frame)", frame)


def canvas(page: Page, name: str) -> np.ndarray:
    """Return the pixels of one of the first clip's canvases."""
    return np.array(page.locator(f".clip >> nth=0 >> canvas.{name}").evaluate(PIXELS), dtype=np.int16)


def test_it_loads_from_a_file_without_errors_and_without_a_network(visit, run_folder):
    assert visit.complaints == []
    assert all(url.startswith(("file:", "blob:", "data:")) for url in visit.requests)
    assert visit.page.locator(".clip").count() == 2
    assert "2 / 2" in visit.page.locator(".tiles").inner_text()


def test_what_a_prompt_says_is_shown_and_never_done(visit, spiteful):
    assert visit.page.title() == "small-" + visit.page.title().split("-")[1]
    assert spiteful in visit.page.locator(".clip h3").first.inner_text()


def test_boxes_are_switched_on_and_off_in_the_pictures_and_from_above(visit):
    with_boxes = canvas(visit.page, "views"), canvas(visit.page, "bird")
    visit.page.get_by_role("button", name="Boxes").click()
    without = canvas(visit.page, "views"), canvas(visit.page, "bird")
    visit.page.get_by_role("button", name="Boxes").click()
    again = canvas(visit.page, "views"), canvas(visit.page, "bird")
    for on, off, on_again in zip(with_boxes, without, again, strict=True):
        assert np.count_nonzero(on != off) > 200
        np.testing.assert_array_equal(on, on_again)


@pytest.mark.parametrize("layer", ["LiDAR", "Map"])
def test_other_layers_are_switched_too(visit, layer):
    before = canvas(visit.page, "bird")
    visit.page.get_by_role("button", name=layer).click()
    assert np.count_nonzero(before != canvas(visit.page, "bird")) > 100


def test_the_film_plays_and_every_frame_can_be_sought(visit):
    first = canvas(visit.page, "views")
    still(visit.page, frame=7)
    assert np.count_nonzero(first != canvas(visit.page, "views")) > 1000
    visit.page.locator(".clip >> nth=0 >> button.toggle").click()
    visit.page.wait_for_function(
        "() => { const p = players.values().next().value; return !p.video.paused && p.frame === 3; }"
    )
    assert visit.complaints == []


def test_clips_are_found_by_their_words(visit):
    visit.page.get_by_role("searchbox").fill("pedestrian day")
    assert visit.page.locator(".clip:visible h3").all_inner_texts() == [
        "scene-2002day, a pedestrian crosses the road ahead of us"
    ]


def test_the_players_boxes_stand_where_the_labels_project(visit, footage):
    frame = int(np.flatnonzero(footage.is_keyframe)[2])
    mosaic = mosaic_of(footage.views, view_width_px=320)
    checked = 0
    for place in mosaic.places:
        view = next(view for view in footage.views if view.channel == place.channel)
        camera = Camera(
            channel=view.channel,
            ego_SE3_cam=SE3.identity(),
            intrinsics_px=view.intrinsics_px,
            width_px=view.width_px,
            height_px=view.height_px,
        ).resized(place.width, place.height)
        cam_SE3_world = SE3.from_matrix(view.world_SE3_cam[frame]).inverse()
        for index, track in enumerate(footage.tracks):
            pose = track.trajectory.pose_at(int(footage.timestamp_us[frame]))
            pixels, depth_m = project(cam_SE3_world.transform(pose.transform(box_corners_m(track.size_lwh_m))), camera)
            if track.trajectory.covers(footage.timestamp_us[frame : frame + 1])[0] and depth_m.min() > 5.0:
                drawn = visit.page.evaluate(DRAWN, [index, mosaic.places.index(place), frame])
                assert np.abs(np.array(drawn) - pixels).max() < 0.75  # whole centimetres seen from 5 m
                checked += 1
    assert checked > 20


DRAWN = """([index, place, frame]) => {
  const reel = players.values().next().value.reel, track = reel.tracks[index];
  const m = reel.views[place].project.slice(12 * frame, 12 * frame + 12);
  return cornersOf(track.size, poseAt(track, frame)).map((p) => {
    const [x, y, z] = [0, 4, 8].map((r) => m[r] * p[0] + m[r + 1] * p[1] + m[r + 2] * p[2] + m[r + 3]);
    return [x / z, y / z];
  });
}"""


def test_the_film_shows_the_stored_pictures_frame_by_frame(footage):
    mosaic = mosaic_of(footage.views, view_width_px=320)
    film = encode(footage.views, mosaic, rate_hz=footage.rate_hz)
    with av.open(io.BytesIO(film)) as file:
        frames = [frame.to_ndarray(format="rgb24").astype(float) for frame in file.decode(video=0)]
    stored = list(joined(footage.views, mosaic))
    assert len(frames) == len(stored) == len(footage.timestamp_us)
    for shown, picture in zip(frames, stored, strict=True):
        assert np.abs(shown - picture).mean() < 6.0
    assert np.abs(frames[0] - stored[-1]).mean() > 6.0


@pytest.mark.parametrize("size_px", [(448, 256), (1600, 900), (333, 211), (97, 64)])
def test_views_of_any_size_fit_their_tiles(footage, size_px):
    views = [replace(view, width_px=size_px[0], height_px=size_px[1]) for view in footage.views]
    mosaic = mosaic_of(views, view_width_px=320)
    assert next(joined(views, mosaic)).any(axis=(0, 1)).all()
    assert all(place.top + place.height <= mosaic.height for place in mosaic.places)


def test_more_clips_than_a_page_takes_go_on_more_pages_that_go_away_again(browser, run_folder):
    build(Settings(clips_per_page=1, progress=False)).show(run_folder)
    page = browser.new_page()
    page.goto((run_folder / "report.html").as_uri())
    page.get_by_role("link", name="2", exact=True).first.click()
    assert page.url.endswith(page_name(2))
    assert page.locator(".clip").get_attribute("id") == "scene-2002"
    page.close()
    build(Settings(progress=False)).show(run_folder)
    assert not (run_folder / page_name(2)).exists()


def test_a_dataset_to_compare_with_is_drawn_beside(browser, run_folder):
    build(Settings(against=run_folder / "dataset", clips=0, progress=False)).show(run_folder)
    page = browser.new_page(java_script_enabled=False)
    page.goto((run_folder / "report.html").as_uri())
    assert page.locator(".key").first.inner_text().split() == ["this", "run", "dataset"]
    build(Settings(progress=False)).show(run_folder)
    page.reload()
    assert page.locator("i.outline").count() == 0
    page.close()


def test_a_run_that_kept_nothing_has_a_report_that_says_why(tmp_path: Path, browser):
    recipe = tmp_path / "strict.yaml"
    recipe.write_text(
        "prompts: [clear day]\nclip: {duration_s: 1, rate_hz: 2}\njudge: {min_labels: 9999}\n"
        "film: {use: raycast, width_px: 64, height_px: 32}\nengine: {executor: local}\n",
        encoding="utf-8",
    )
    job = pipeline.prepare(recipe, out=tmp_path / "runs")
    pipeline.run(job, progress=False)
    page = browser.new_page()
    page.goto((job.folder / "report.html").as_uri())
    text = page.locator("main").inner_text()
    assert "0 / 1" in text
    assert "judge.min_labels is 9999" in text
    assert page.locator(".lost img").evaluate("image => image.naturalWidth") == 160
    page.close()

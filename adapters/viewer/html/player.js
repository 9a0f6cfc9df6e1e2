"use strict";
// Plays a clip: the film on one canvas with the boxes projected onto it, the same instant from above on another.
// A clip's film and numbers are unpacked when it comes into view and let go when it leaves, so a page holds many.

const layers = { boxes: true, names: false, lidar: true, map: true };
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const EDGES = [[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]];
const NEAR_M = 0.3, FARTHEST_M = 90, AHEAD_CM = 6200, SIDE_CM = 3400;
const ON_FILM = { car: "#ffb224", large: "#ff6f5e", cycle: "#3fd0f5", person: "#e39bf7", object: "#b5dd52" };
let theme = {};

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "drivable", "walkway", "carpark", "crossing", "paint", "yellow", "lidar", "ego",
    "car", "large", "cycle", "person", "object", "ink", "soft", "line", "card"];
  theme = Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}

/** Mix two angles in milliradians on the shorter arc. */
function turn(from, to, share) {
  const full = 2000 * Math.PI, way = ((to - from) % full + 1.5 * full) % full - full / 2;
  return from + share * way;
}

/** Where a track is at a frame, which need not be whole: [x, y, z, yaw], or null where it is not there. */
function poseAt(track, frame) {
  const at = frame - track.first, last = track.pose.length - 1;
  if (at < -0.5 || at > last + 0.5) return null;
  const low = Math.max(0, Math.min(last, Math.floor(at))), high = Math.min(last, low + 1);
  const from = track.pose[low], to = track.pose[high], share = Math.max(0, Math.min(1, at - low));
  if (!from || !to) return share < 0.5 ? from : to;
  return [0, 1, 2].map((k) => from[k] + share * (to[k] - from[k])).concat(turn(from[3], to[3], share));
}

/** The eight corners of a box, in the devkit's order: front face 0 1 2 3, rear face 4 5 6 7. */
function cornersOf(size, [x, y, z, yaw]) {
  const c = Math.cos(yaw / 1000), s = Math.sin(yaw / 1000);
  return [[1, 1, 1], [1, -1, 1], [1, -1, -1], [1, 1, -1], [-1, 1, 1], [-1, -1, 1], [-1, -1, -1], [-1, 1, -1]].map(
    ([i, j, k]) => {
      const a = i * size[0] / 2, b = j * size[1] / 2;
      return [x + c * a - s * b, y + s * a + c * b, z + k * size[2] / 2];
    });
}

class Player {
  constructor(card) {
    this.card = card;
    this.views = card.querySelector(".views");
    this.bird = card.querySelector(".bird");
    this.slider = card.querySelector("input[type=range]");
    this.button = card.querySelector(".toggle");
    this.time = card.querySelector(".time");
    this.wanted = !calm;
    this.frame = 0;
    this.button.onclick = () => this.toggle();
    this.slider.oninput = () => this.seek(Number(this.slider.value));
  }

  /** Unpack film and numbers; play if nobody said otherwise. */
  open() {
    if (this.video) return;
    this.reel ??= this.unpack();
    const bytes = Uint8Array.from(atob(this.card.querySelector(".film").textContent), (c) => c.charCodeAt(0));
    this.url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    this.video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true });
    this.video.onloadeddata = () => this.seek(this.frame).then(() => this.wanted && this.play());
    this.video.onerror = () => { this.time.textContent = "this browser cannot play H.264"; };
    this.video.src = this.url;
    this.fit();
  }

  unpack() {
    const reel = JSON.parse(this.card.querySelector(".reel").textContent);
    reel.frames = reel.ego.yaw.length;
    for (const key of Object.keys(reel.lidar)) {
      const raw = Uint8Array.from(atob(reel.lidar[key]), (c) => c.charCodeAt(0));
      reel.lidar[key] = new Int16Array(raw.buffer);
    }
    reel.paths = reel.road.map(([layer, ...rings]) => {
      const path = new Path2D();
      for (const ring of rings) {
        for (let i = 0; i < ring.length; i += 2) path[i ? "lineTo" : "moveTo"](ring[i], ring[i + 1]);
        if (!layer.startsWith("divider")) path.closePath();
      }
      return [layer, path];
    });
    return reel;
  }

  close() {
    if (!this.video) return;
    cancelAnimationFrame(this.tick);
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.url);
    this.video = null;
  }

  toggle() {
    this.wanted = !this.video || this.video.paused;
    if (this.wanted) { this.open(); this.play(); } else this.pause();
  }

  play() {
    if (!this.video) return;
    this.video.play().catch(() => this.pause());
    this.button.textContent = "Pause";
    cancelAnimationFrame(this.tick);
    const rate = this.reel.rate_hz, exact = "requestVideoFrameCallback" in this.video;
    const step = () => {
      if (!exact) this.drawFrame(Math.floor(this.video.currentTime * rate + 1e-3));
      this.drawBird(this.video.currentTime * rate - 0.5);
      this.tick = requestAnimationFrame(step);
    };
    this.tick = requestAnimationFrame(step);
    if (exact) this.video.requestVideoFrameCallback((_, shown) => this.follow(shown));
  }

  /** Draw the frame that is being shown, whichever the clock says, and wait for the next. */
  follow(shown) {
    if (!this.video || this.video.paused) return;
    this.drawFrame(Math.round(shown.mediaTime * this.reel.rate_hz));
    this.video.requestVideoFrameCallback((_, next) => this.follow(next));
  }

  pause() {
    this.wanted = false;
    cancelAnimationFrame(this.tick);
    this.button.textContent = "Play";
    if (!this.video) return;
    this.video.pause();
    this.seek(this.frame);
  }

  /** Show one frame and stay there. */
  seek(frame) {
    this.frame = frame;
    if (!this.video) { this.open(); return Promise.resolve(); }
    if (!this.video.paused) { this.wanted = false; cancelAnimationFrame(this.tick); this.video.pause(); this.button.textContent = "Play"; }
    return new Promise((done) => {
      this.video.onseeked = () => { this.drawFrame(frame); this.drawBird(frame); done(); };
      this.video.currentTime = (frame + 0.5) / this.reel.rate_hz;
    });
  }

  /** Give the canvases as many pixels as they have on the screen. */
  fit() {
    const dense = Math.min(2, devicePixelRatio || 1), [width, height] = this.reel.size;
    this.views.width = Math.max(1, Math.round(this.views.clientWidth * dense));
    this.views.height = Math.max(1, Math.round(this.views.width * height / width));
    this.bird.width = Math.max(1, Math.round(this.bird.clientWidth * dense));
    this.bird.height = Math.max(1, Math.round(this.bird.clientHeight * dense));
  }

  /** Draw one frame's pictures, which the film must be showing, with what is labelled in them. */
  drawFrame(frame) {
    const reel = this.reel, last = reel.frames - 1;
    this.frame = this.slider.value = Math.max(0, Math.min(last, frame));
    const seconds = this.frame / reel.rate_hz, length = last / reel.rate_hz;
    this.time.textContent = `${seconds.toFixed(2)} / ${length.toFixed(2)} s` + (reel.key.includes(this.frame) ? " ◆" : "");
    this.drawViews();
  }

  redraw() {
    if (!this.video || this.video.readyState < 2) return;
    this.drawFrame(this.frame);
    this.drawBird(this.frame);
  }

  drawViews() {
    const pen = this.views.getContext("2d"), reel = this.reel, scale = this.views.width / reel.size[0];
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.drawImage(this.video, 0, 0, reel.size[0], reel.size[1]);
    reel.views.forEach((view) => {
      const [left, top, width, height] = view.at;
      pen.save();
      pen.beginPath(); pen.rect(left, top, width, height); pen.clip();
      pen.translate(left, top);
      if (layers.boxes) this.drawBoxes(pen, view, 1 / scale);
      pen.font = `${11 / scale}px system-ui, sans-serif`;
      pen.fillStyle = "rgba(0,0,0,.55)";
      pen.fillRect(0, 0, pen.measureText(view.name).width + 10 / scale, 17 / scale);
      pen.fillStyle = "#fff";
      pen.fillText(view.name, 5 / scale, 12 / scale);
      pen.restore();
    });
  }

  drawBoxes(pen, view, pixel) {
    const matrix = view.project.slice(12 * this.frame, 12 * this.frame + 12), reel = this.reel;
    const seen = [];
    for (const track of reel.tracks) {
      const pose = poseAt(track, this.frame + view.late);
      if (!pose) continue;
      const depth = matrix[8] * pose[0] + matrix[9] * pose[1] + matrix[10] * pose[2] + matrix[11];
      const corners = cornersOf(track.size, pose).map((p) => [0, 4, 8].map((r) => matrix[r] * p[0] + matrix[r + 1] * p[1] + matrix[r + 2] * p[2] + matrix[r + 3]));
      if (depth < FARTHEST_M && corners.some((c) => c[2] > NEAR_M)) seen.push({ track, depth, corners });
    }
    seen.sort((a, b) => b.depth - a.depth);
    for (const { track, corners } of seen) {
      const hidden = track.seen[Math.max(0, Math.min(track.seen.length - 1, this.frame - track.first))] === "1";
      pen.strokeStyle = pen.fillStyle = ON_FILM[track.group];
      pen.lineWidth = (track.event ? 2.4 : 1.3) * pixel;
      pen.globalAlpha = hidden ? 0.45 : 1;
      pen.setLineDash(hidden ? [3 * pixel, 3 * pixel] : []);
      pen.beginPath();
      for (const [a, b] of EDGES) this.edge(pen, corners[a], corners[b]);
      pen.stroke();
      const front = corners.slice(0, 4);
      if (front.every((c) => c[2] > NEAR_M)) {
        pen.globalAlpha = track.event ? 0.4 : 0.22;
        pen.beginPath();
        front.forEach((c, i) => pen[i ? "lineTo" : "moveTo"](c[0] / c[2], c[1] / c[2]));
        pen.fill();
      }
      if (layers.names && !hidden) this.name(pen, track, corners, pixel);
      pen.globalAlpha = 1;
    }
    pen.setLineDash([]);
  }

  /** Add a line between two corners, cut where it comes nearer than the lens. */
  edge(pen, a, b) {
    if (a[2] < NEAR_M && b[2] < NEAR_M) return;
    if (a[2] < NEAR_M || b[2] < NEAR_M) {
      const share = (NEAR_M - a[2]) / (b[2] - a[2]), cut = a.map((v, i) => v + share * (b[i] - v));
      if (a[2] < NEAR_M) a = cut; else b = cut;
    }
    pen.moveTo(a[0] / a[2], a[1] / a[2]);
    pen.lineTo(b[0] / b[2], b[1] / b[2]);
  }

  name(pen, track, corners, pixel) {
    const inside = corners.filter((c) => c[2] > NEAR_M);
    const x = Math.min(...inside.map((c) => c[0] / c[2])), y = Math.min(...inside.map((c) => c[1] / c[2]));
    pen.globalAlpha = 1;
    pen.font = `${10 * pixel}px system-ui, sans-serif`;
    pen.fillText(track.name, x, y - 2 * pixel);
  }

  drawBird(instant) {
    const pen = this.bird.getContext("2d"), reel = this.reel, { width, height } = this.bird;
    instant = Math.max(0, Math.min(reel.frames - 1, instant));
    const low = Math.floor(instant), high = Math.min(reel.frames - 1, low + 1), share = instant - low;
    const xy = reel.ego.xy, mix = (k) => xy[2 * low + k] + share * (xy[2 * high + k] - xy[2 * low + k]);
    const ego = { x: mix(0), y: mix(1), yaw: turn(reel.ego.yaw[low], reel.ego.yaw[high], share) / 1000 };
    const scale = Math.min(width / (2 * SIDE_CM), height / (1.5 * AHEAD_CM)), dense = width / Math.max(1, this.bird.clientWidth);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = theme.ground;
    pen.fillRect(0, 0, width, height);
    pen.translate(width / 2, height * 0.66);
    pen.scale(scale, -scale);                       // metres up, the ego's heading up
    pen.rotate(Math.PI / 2 - ego.yaw);
    pen.translate(-ego.x, -ego.y);
    if (layers.map) this.drawRoad(pen);
    if (layers.lidar) this.drawPoints(pen, Math.round(instant), dense / scale);
    if (layers.boxes) reel.tracks.forEach((track) => this.drawTrack(pen, track, instant, dense / scale));
    this.drawEgo(pen, ego, dense / scale);
  }

  drawRoad(pen) {
    for (const [layer, path] of this.reel.paths) {
      if (layer.startsWith("divider")) {
        const [, , paint] = layer.split("/");
        if (paint === "none") continue;
        pen.strokeStyle = paint.includes("yellow") ? theme.yellow : theme.paint;
        pen.lineWidth = paint.startsWith("double") ? 32 : 18;
        pen.setLineDash(paint.startsWith("dashed") ? [300, 450] : []);
        pen.stroke(path);
      } else {
        pen.fillStyle = theme[layer];
        pen.fill(path, "evenodd");
      }
    }
    pen.setLineDash([]);
  }

  drawPoints(pen, frame, pixel) {
    const key = this.reel.key.filter((k) => k <= frame).pop() ?? this.reel.key[0], points = this.reel.lidar[key];
    if (!points) return;
    pen.fillStyle = theme.lidar;
    for (let i = 0; i < points.length; i += 2) pen.fillRect(points[i] * 10, points[i + 1] * 10, 1.3 * pixel, 1.3 * pixel);
  }

  drawTrack(pen, track, instant, pixel) {
    const pose = poseAt(track, instant);
    if (!pose) return;
    const corners = cornersOf(track.size, pose), outline = [0, 1, 5, 4].map((i) => corners[i]);
    if (track.event) {
      pen.beginPath();
      track.pose.forEach((p, i) => { if (p) pen[i && track.pose[i - 1] ? "lineTo" : "moveTo"](p[0], p[1]); });
      pen.strokeStyle = theme[track.group];
      pen.globalAlpha = 0.5; pen.lineWidth = 2 * pixel; pen.stroke(); pen.globalAlpha = 1;
    }
    pen.beginPath();
    outline.forEach((p, i) => pen[i ? "lineTo" : "moveTo"](p[0], p[1]));
    pen.closePath();
    pen.fillStyle = pen.strokeStyle = theme[track.group];
    pen.globalAlpha = track.event ? 0.9 : 0.55; pen.fill(); pen.globalAlpha = 1;
    pen.lineWidth = (track.event ? 2.2 : 1) * pixel; pen.stroke();
    pen.beginPath();
    pen.moveTo(pose[0], pose[1]);
    pen.lineTo((corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2);
    pen.strokeStyle = theme.card; pen.lineWidth = 1.1 * pixel; pen.stroke();
  }

  drawEgo(pen, ego, pixel) {
    const [length, width, , ahead] = this.reel.egoBox, c = Math.cos(ego.yaw), s = Math.sin(ego.yaw);
    const at = (a, b) => [ego.x + c * a - s * b, ego.y + s * a + c * b];
    pen.beginPath();
    [at(ahead + length / 2, 0), at(ahead + length / 5, width / 2), at(ahead - length / 2, width / 2), at(ahead - length / 2, -width / 2), at(ahead + length / 5, -width / 2)]
      .forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...p));
    pen.closePath();
    pen.fillStyle = theme.ego; pen.fill();
    pen.strokeStyle = theme.soft; pen.globalAlpha = 0.35; pen.lineWidth = pixel; pen.setLineDash([4 * pixel, 4 * pixel]);
    for (const radius of [2000, 4000]) { pen.beginPath(); pen.arc(ego.x, ego.y, radius, 0, 7); pen.stroke(); }
    pen.setLineDash([]); pen.globalAlpha = 1;
  }
}

readTheme();
const players = new Map([...document.querySelectorAll(".clip")].map((card) => [card, new Player(card)]));
const redraw = () => players.forEach((player) => player.redraw());
const watch = new IntersectionObserver(
  (entries) => entries.forEach(({ target, isIntersecting }) => players.get(target)[isIntersecting ? "open" : "close"]()),
  { rootMargin: "150px" });
players.forEach((_, card) => watch.observe(card));
document.querySelectorAll("[data-layer]").forEach((button) => {
  button.onclick = () => {
    const on = layers[button.dataset.layer] = !layers[button.dataset.layer];
    button.setAttribute("aria-pressed", on);
    redraw();
  };
});
document.getElementById("filter")?.addEventListener("input", ({ target }) => {
  const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
  players.forEach((_, card) => { card.hidden = !words.every((word) => card.dataset.find.includes(word)); });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readTheme(); redraw(); });
addEventListener("resize", () => players.forEach((player) => { if (player.video) { player.fit(); player.redraw(); } }));

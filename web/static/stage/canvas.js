import { transports } from "../transports/transports.js";

/** @typedef {import("./layout.js").Shapes} Shapes */
/** @typedef {import("./layout.js").Numbers} Numbers */

/**
 * Look is the colours of a picture, and of each strip.
 * @typedef {object} Look
 * @property {string} text
 * @property {string} soft
 * @property {string} ground
 * @property {string[]} marks
 * @property {string[]} tints
 * @property {string} font
 */

/**
 * canvas returns what draws shapes: each list of them is one path, however many there are.
 * @param {HTMLCanvasElement} element
 */
export function canvas(element) {
  const context = element.getContext("2d");
  const marks = transports.map(({ shape }) => new Path2D(shape));
  /** @type {Look} */
  let look;
  let unit = 16; // pixels of the text
  let ratio = 1;

  /** @param {Numbers} list */
  function segments({ data, length }) {
    context.beginPath();
    for (let i = 0; i < length; i += 4) {
      context.moveTo(data[i], data[i + 1]);
      context.lineTo(data[i + 2], data[i + 3]);
    }
    context.stroke();
  }

  /** @param {Numbers} list */
  function rectangles({ data, length }) {
    context.beginPath();
    for (let i = 0; i < length; i += 4) context.rect(data[i], data[i + 1], data[i + 2], data[i + 3]);
    context.fill();
  }

  /** @param {import("./layout.js").StripShapes} strip */
  function flows({ flows: { data, length }, server, you }) {
    for (let i = 0; i < length; i += 4) {
      context.beginPath();
      context.moveTo(data[i], server);
      context.lineTo(data[i + 1], server);
      context.lineTo(data[i + 3], you);
      context.lineTo(data[i + 2], you);
      context.fill();
    }
  }

  /**
   * @param {Numbers} list
   * @param {number} radius
   */
  function dots({ data, length }, radius) {
    context.beginPath();
    for (let i = 0; i < length; i += 2) {
      context.moveTo(data[i] + radius, data[i + 1]);
      context.arc(data[i], data[i + 1], radius, 0, 7);
    }
    context.fill();
  }

  /**
   * @param {Numbers} list
   * @param {Path2D} mark
   * @param {number} size about half of its height
   */
  function shapes({ data, length }, mark, size) {
    const scale = (ratio * size) / 9.5; // of the 24 by 24, in whose middle the mark is
    for (let i = 0; i < length; i += 2) {
      context.setTransform(scale, 0, 0, scale, ratio * data[i] - 12 * scale, ratio * data[i + 1] - 12 * scale);
      context.fill(mark);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /**
   * @param {string} colour
   * @param {number} width
   * @param {number[]} [dash]
   */
  function pen(colour, width, alpha = 1, dash = []) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = width;
    context.globalAlpha = alpha;
    context.setLineDash(dash);
  }

  /** @param {import("./layout.js").StripShapes} strip */
  function under(strip, colour) {
    clip(strip, 0);
    pen(colour, 0.1 * unit, 0.2);
    const { data, length } = strip.age;
    context.beginPath();
    for (let i = 0; i < length; i += 2) context.lineTo(data[i], data[i + 1]);
    context.fill();
    pen(look.soft, 1, 0.16);
    rectangles(strip.silences);
    pen(colour, 1, 0.3);
    rectangles(strip.bands);
    context.restore();
  }

  /**
   * @param {import("./layout.js").StripShapes} strip
   * @param {number} i
   */
  function over(strip, i) {
    const [colour, tint] = [look.marks[i], look.tints[i]];
    const line = strip.fine ? 1 : 0.17 * unit;
    clip(strip, 0);
    pen(look.soft, 0.08 * unit);
    segments(strip.rails);
    pen(look.soft, 0.08 * unit, 1, [0.15 * unit, 0.35 * unit]);
    segments(strip.broken);
    pen(colour, 1, 0.9);
    rectangles(strip.waits);
    pen(look.soft, 0.09 * unit, 0.9, [0.2 * unit, 0.2 * unit]);
    segments(strip.empties);
    pen(tint, 0.09 * unit, strip.fine ? 0.5 : 1);
    segments(strip.requests);
    pen(tint, 0.14 * unit, 1, [0.14 * unit, 0.14 * unit]);
    segments(strip.ups);
    pen(tint, line, strip.fine ? 0.5 : 1, strip.fine ? [] : [0.14 * unit, 0.14 * unit]); // dashes cost too much of many
    segments(strip.dashed);
    pen(tint, 0.09 * unit, 0.7, [0.3 * unit, 0.3 * unit]);
    segments(strip.stuck);
    pen(colour, line, strip.fine ? 0.35 : 1);
    flows(strip);
    segments(strip.travels);
    pen(look.text, 1);
    rectangles(strip.crowds);
    dots(strip.dots, 0.2 * unit);
    pen(look.text, 0.26 * unit);
    segments(strip.marked);
    context.restore();

    clip(strip, 0.6 * unit);
    pen(colour, 1);
    rectangles(strip.runs);
    shapes(strip.arrivals, marks[i], 0.38 * unit);
    pen(look.text, 0.12 * unit);
    shapes(strip.chosen, marks[i], 0.55 * unit);
    ends(strip.stops);
    scissors(strip.cuts);
    context.restore();
    texts(strip, tint);
  }

  /** @param {Numbers} list */
  function ends({ data, length }) {
    const size = 0.2 * unit;
    context.beginPath();
    for (let i = 0; i < length; i += 2) {
      const [x, y] = [data[i], data[i + 1]];
      context.moveTo(x - size, y);
      context.lineTo(x + size, y);
    }
    context.stroke();
  }

  /** @param {Numbers} list */
  function scissors({ data, length }) {
    context.font = `${1.3 * unit}px ${look.font}`;
    context.textAlign = "center";
    for (let i = 0; i < length; i += 2) halo("✂", data[i], data[i + 1], look.text);
  }

  /** @param {import("./layout.js").StripShapes} strip */
  function texts({ texts, fine }, tint) {
    pen(look.soft, 1);
    for (const { text, x, y, align, colour } of texts) {
      const plain = colour === "soft" || (fine && colour === "tint"); // an outline costs too much of many
      context.font = `${colour === "soft" ? "" : "600 "}${unit}px ${look.font}`;
      context.textAlign = align;
      context.fillStyle = colour === "tint" ? tint : look[colour];
      if (plain) context.fillText(text, x, y);
      else halo(text, x, y, context.fillStyle);
    }
  }

  // halo writes a text that can be read over lines.
  function halo(text, x, y, colour) {
    context.setLineDash([]);
    context.globalAlpha = 0.85;
    context.lineWidth = 0.3 * unit;
    context.strokeStyle = look.ground;
    context.strokeText(text, x, y);
    context.globalAlpha = 1;
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  function clip({ left, right }, beyond) {
    context.save();
    context.beginPath();
    context.rect(left - beyond, 0, right - left + 2 * beyond, element.height);
    context.clip();
  }

  return {
    /**
     * resize has the canvas take its size from the document.
     */
    resize() {
      ratio = devicePixelRatio;
      element.width = Math.round(element.clientWidth * ratio);
      element.height = Math.round(element.clientHeight * ratio);
    },
    /**
     * @param {Look} colours
     * @param {number} size pixels of the text
     */
    look(colours, size) {
      look = colours;
      unit = size;
    },
    /** @param {Shapes} picture */
    draw({ strips, hairs }) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, element.width, element.height);
      context.textBaseline = "middle";
      context.lineJoin = "round";
      strips.forEach((strip, i) => under(strip, look.marks[i]));
      clip(strips[0], 0);
      pen(look.text, 1, 0.22);
      segments(hairs);
      context.restore();
      strips.forEach(over);
    },
  };
}

// Pictures for tests, made here.

import { crc32, deflateSync } from "node:zlib";

type Colour = readonly [red: number, green: number, blue: number, cover: number];

/** A PNG of any size. */
export function png(
  width: number,
  height: number,
  colourAt: (x: number, y: number) => Colour,
): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows.set(colourAt(x, y), y * (1 + width * 4) + 1 + x * 4);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const parts = [
    part("IHDR", head),
    part("IDAT", deflateSync(rows, { level: 1 })),
    part("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]);
}

function part(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}

/** As a photograph: many colours next to each other, and large. */
export function photograph(width: number, height: number, [red, green, blue]: Colour): Buffer {
  let state = 1;
  const noise = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state >> 16) % 64;
  };
  return png(width, height, (x, y) => {
    const light = Math.round((40 * (x + y)) / (width + height));
    return [
      Math.min(255, red + light + noise()),
      Math.min(255, green + light + noise()),
      Math.min(255, blue + noise()),
      255,
    ];
  });
}

// Pictures of people and groups, before they are uploaded. The server keeps `limits.PICTURE_KEPT_PIXELS_MAX` of each side: what
// is larger is made smaller here, so that a photograph of any size goes over any line.

import { limits } from "@semel/sdk";

/** What the server takes as it is. */
const TAKEN = ["image/png", "image/jpeg", "image/webp"];

/** A file that is no picture, or one that this browser cannot read. */
export class NotPictureError extends Error {}

/** A picture that was chosen: what is shown of it, and what is uploaded. */
export interface Chosen {
  readonly bitmap: ImageBitmap;
  readonly blob: Blob;
}

/** Reads a file and makes it as small as it has to be. */
export async function choose(file: Blob): Promise<Chosen> {
  // Nothing larger than this is drawn, whatever the file says of itself.
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new NotPictureError();
  });
  // One by one: taken out of `limits` together, all of them would be in every page.
  const bytes = limits.PICTURE_BYTES_MAX;
  const side = limits.PICTURE_UPLOADED_PIXELS_MAX;
  const isTaken = TAKEN.includes(file.type) && file.size <= bytes;
  if (isTaken && bitmap.width <= side && bitmap.height <= side) return { bitmap, blob: file };
  return { bitmap, blob: await shrink(bitmap) };
}

/** Width and height with the longer one at most `most`, of the same shape, at least one pixel each. */
export function sizeWithin(width: number, height: number, most: number): readonly [number, number] {
  const scale = Math.min(1, most / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** The part in the middle that fills a square, as `drawImage` takes it. */
export function middleOf(width: number, height: number): readonly [number, number, number] {
  const side = Math.min(width, height);
  return [(width - side) / 2, (height - side) / 2, side];
}

async function shrink(bitmap: ImageBitmap): Promise<Blob> {
  const [width, height] = sizeWithin(bitmap.width, bitmap.height, limits.PICTURE_KEPT_PIXELS_MAX);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new NotPictureError();
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const isOpaque = context.getImageData(0, 0, width, height).data.every(isOpaqueAt);
  const forms = isOpaque
    ? ([
        ["image/jpeg", 0.92],
        ["image/jpeg", 0.7],
      ] as const)
    : ([
        ["image/png", 1],
        ["image/webp", 0.9],
        ["image/jpeg", 0.8],
      ] as const);
  for (const [type, quality] of forms) {
    const blob = await canvas.convertToBlob({ type, quality });
    // A browser that cannot write a form writes PNG.
    if (blob.type === type && blob.size <= limits.PICTURE_BYTES_MAX) return blob;
  }
  throw new NotPictureError();
}

/** Every fourth byte says how much a pixel covers. */
function isOpaqueAt(byte: number, at: number): boolean {
  return at % 4 !== 3 || byte === 255;
}

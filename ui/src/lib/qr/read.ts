import decode from 'qr/decode.js';

/** Why an image gave no text. */
export type ReadFault = 'too_large' | 'no_image' | 'no_code';

/**
 * The text of the QR code in an image that the person chose. It is decoded in bounds: no file above ten megabytes, no
 * more than a few megapixels to look at. Nothing of it is kept.
 */
export async function readCode(image: Blob): Promise<{ text: string } | { fault: ReadFault }> {
  if (image.size > MOST_BYTES) return { fault: 'too_large' };
  const bitmap = await createImageBitmap(image).catch(() => null);
  if (!bitmap) return { fault: 'no_image' };
  try {
    for (const side of SIDES) {
      const text = decoded(pixels(bitmap, side));
      if (text !== null) return { text };
    }
    return { fault: 'no_code' };
  } finally {
    bitmap.close();
  }
}

/** The text in these pixels, if there is a code. */
export function decoded(image: Pick<ImageData, 'data' | 'width' | 'height'> | null): string | null {
  if (!image) return null;
  try {
    return decode(image);
  } catch {
    return null;
  }
}

function pixels(bitmap: ImageBitmap, side: number): ImageData | null {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  // A code on nothing is a code on white.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

const MOST_BYTES = 10_000_000;
/** A photograph is often read better when it is smaller. */
const SIDES = [800, 1_600];

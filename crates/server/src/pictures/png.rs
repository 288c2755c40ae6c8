//! The chunks of a PNG file.

const SIGNATURE_BYTES: usize = 8;
/// Length, name and checksum of a chunk.
const AROUND_BYTES: usize = 12;
/// What pixels are made of, and which side is up. Others, profiles and texts, are packed, so that a few bytes of them may take
/// much work and memory; nothing of them is kept.
const OF_PIXELS: [&[u8]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"];

/// The file without chunks that are not of its pixels. What is not whole is left for the decoder to refuse.
pub(super) fn pixels_only(file: &[u8]) -> Vec<u8> {
    let (signature, mut rest) = file.split_at(file.len().min(SIGNATURE_BYTES));
    let mut kept = signature.to_vec();
    while let Some((length, named)) = rest.split_first_chunk::<4>() {
        let length = AROUND_BYTES.saturating_add(u32::from_be_bytes(*length) as usize);
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        if OF_PIXELS.iter().any(|name| named.starts_with(name)) {
            kept.extend_from_slice(chunk);
        }
        if named.starts_with(b"IEND") {
            break;
        }
        rest = after;
    }
    kept
}

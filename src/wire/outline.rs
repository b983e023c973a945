/// What is seen of a message by walking along its top level. Nothing is decoded
/// or allocated for it: two bytes on the wire can be an entry of 192 in memory,
/// so entries are counted before they are made.
pub(super) struct Outline {
    /// Entries of all kinds, whichever of them its type will select.
    pub(super) entries: usize,
    pub(super) request_id: Option<u64>,
}

impl Outline {
    /// The outline of a message; `None` of bytes that are none. This is milder
    /// than decoding: whatever can be decoded has an outline.
    pub(super) fn of(mut body: &[u8]) -> Option<Self> {
        let mut outline = Self { entries: 0, request_id: None };
        // Fields within a group, which only an unknown field can be, are not ours.
        let mut groups = 0usize;
        while !body.is_empty() {
            let key = varint(&mut body)?;
            let (field, wire_type) = (key >> 3, key & 7);
            match wire_type {
                0 => {
                    let value = varint(&mut body)?;
                    if groups == 0 && field == 6 {
                        outline.request_id = Some(value);
                    }
                }
                1 => body = body.get(8..)?,
                2 => {
                    let length = usize::try_from(varint(&mut body)?).ok()?;
                    body = body.get(length..)?;
                    // register, unregister, rendezvous, discovery, send, game
                    if groups == 0 && matches!(field, 2..=5 | 11 | 12) {
                        outline.entries += 1;
                    }
                }
                3 => groups += 1,
                4 => groups = groups.checked_sub(1)?,
                5 => body = body.get(4..)?,
                _ => return None,
            }
        }
        Some(outline)
    }
}

/// Takes a varint off the front, which need not be in its shortest form.
fn varint(body: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = body.split_first()?;
        *body = rest;
        if shift == 63 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

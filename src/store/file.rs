//! The file as redb sees it.

use redb::StorageBackend;
use std::{
    collections::BTreeMap,
    fs::File,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

/// Bytes of what is held together in memory.
const BLOCK_BYTES: usize = 4_096;

/// A file that stays open, and locked, while the database in it is closed and opened
/// anew, which redb wants after a failure: nobody else can have it meanwhile.
#[derive(Debug)]
pub(super) struct Disk(pub(super) Arc<File>);

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_at(&self.0, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        if FULL.get() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        write_at(&self.0, offset, data)
    }
}

#[cfg(test)]
thread_local! {
    /// There is no room on the disk.
    pub(super) static FULL: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(unix)]
fn write_at(file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, out, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, data, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        data = &data[written..];
        offset += written as u64;
    }
    Ok(())
}

/// A file that is never written: what the database writes, to mend it for example, is
/// kept in memory.
#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    over: Mutex<Over>,
}

#[derive(Debug)]
struct Over {
    len: u64,
    /// Up to where the file is still to be seen.
    file_len: u64,
    /// What was written, by its place.
    blocks: BTreeMap<u64, Box<[u8; BLOCK_BYTES]>>,
}

impl Overlay {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, over: Mutex::new(Over { len, file_len: len, blocks: BTreeMap::new() }) })
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().expect("nothing panics under the lock")
    }

    /// A block as it is in the file, zeroes where that has none.
    fn block(&self, over: &Over, number: u64) -> io::Result<Box<[u8; BLOCK_BYTES]>> {
        let mut block = Box::new([0; BLOCK_BYTES]);
        let begin = number * BLOCK_BYTES as u64;
        let there = over.file_len.saturating_sub(begin).min(BLOCK_BYTES as u64);
        read_at(&self.file, begin, &mut block[..usize::try_from(there).expect("it is a block at most")])?;
        Ok(block)
    }
}

/// The blocks that these bytes lie in: the number of each, where in it they begin, and how
/// many of them it holds.
fn blocks(mut offset: u64, mut bytes: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    std::iter::from_fn(move || {
        let within = usize::try_from(offset % BLOCK_BYTES as u64).expect("it is below a block");
        let (number, count) = (offset / BLOCK_BYTES as u64, bytes.min(BLOCK_BYTES - within));
        offset += count as u64;
        bytes -= count;
        (count > 0).then_some((number, within, count))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > over.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = out;
        for (number, within, count) in blocks(offset, rest.len()) {
            let (part, behind) = rest.split_at_mut(count);
            match over.blocks.get(&number) {
                Some(block) => part.copy_from_slice(&block[within..within + count]),
                None => part.copy_from_slice(&self.block(&over, number)?[within..within + count]),
            }
            rest = behind;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut over = self.over();
        // What is cut off is gone, also if it grows again.
        let last = len / BLOCK_BYTES as u64;
        if len < over.len {
            let within = usize::try_from(len % BLOCK_BYTES as u64).expect("it is below a block");
            let mut block = match over.blocks.remove(&last) {
                Some(block) => block,
                None => self.block(&over, last)?,
            };
            block[within..].fill(0);
            over.blocks.split_off(&last);
            over.blocks.insert(last, block);
            over.file_len = over.file_len.min(len);
        }
        over.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over();
        let mut rest = data;
        for (number, within, count) in blocks(offset, data.len()) {
            let (part, behind) = rest.split_at(count);
            if !over.blocks.contains_key(&number) {
                let block = self.block(&over, number)?;
                over.blocks.insert(number, block);
            }
            let block = over.blocks.get_mut(&number).expect("it was put there");
            block[within..within + count].copy_from_slice(part);
            rest = behind;
        }
        over.len = over.len.max(offset.saturating_add(data.len() as u64));
        Ok(())
    }
}

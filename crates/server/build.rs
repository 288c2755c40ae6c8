//! Makes the web client part of the program, if it was built: `npm run build` in `web/` writes it to `web-dist/`. Without
//! it everything else works, and `/` says how to build it; so the program can be built without Node.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    // The directory is always there: Git has a file in it.
    println!("cargo:rerun-if-changed=web-dist");
    println!("cargo:rerun-if-changed=build.rs");
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("web-dist");
    let mut files = Vec::new();
    if root.join("index.html").is_file() {
        collect(&root, &mut files)?;
    }
    files.sort();
    let mut text = String::from("const BUILT: &[File] = &[\n");
    for file in &files {
        let path = file
            .strip_prefix(&root)
            .map_err(io::Error::other)?
            .to_string_lossy()
            .replace('\\', "/");
        let _ = writeln!(
            text,
            "File {{ path: {path:?}, plain: {}, gzip: {}, brotli: {} }},",
            included(file),
            packed(file, "gz"),
            packed(file, "br"),
        );
    }
    text.push_str("];\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("web_files.rs"), text)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// Every file that is not the packed form of another one, and not hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !name.starts_with('.')
            && path.extension().is_none_or(|it| it != "gz" && it != "br")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn packed(file: &Path, ending: &str) -> String {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    if Path::new(&name).is_file() {
        format!("Some({})", included(Path::new(&name)))
    } else {
        String::from("None")
    }
}

fn included(file: &Path) -> String {
    format!("include_bytes!({:?})", file.to_string_lossy())
}

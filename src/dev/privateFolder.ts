/** The data folder is its owner's alone. Folders are 0700, files 0600. */
export const privateFolderMode = 0o700;
export const privateFileMode = 0o600;

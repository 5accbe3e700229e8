/** Parts of paths, as regular expressions: what they take, the brands in shared/ take too. */
export const ID = "(?:[0-9a-f]{2}){8,32}";
export const SHA256 = "[0-9a-f]{64}";
export const VERSION = "[1-9][0-9]{0,8}";

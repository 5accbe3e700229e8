/** Regular expressions for parts of paths. Whatever they match is valid for the brands in shared/brand.ts. */
export const BUILD_ID_PATTERN = "(?:[0-9a-f]{2}){8,32}";
export const SHA256_PATTERN = "[0-9a-f]{64}";
export const VERSION_PATTERN = "[1-9][0-9]{0,8}";

// This replaces the package debug, which the proxies' agents load. With DEBUG in the environment, debug would write a
// proxy's password to stderr.
export default () => () => undefined;

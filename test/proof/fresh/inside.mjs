import { ENTER, ROOT_CERTIFICATES } from "./root.mjs";

/** Variables that say how to reach the network; nothing else of this machine's environment goes in. */
const PASSED = /^((https?|no|all)_proxy|npm_config_registry|CI)$/i;

function environment() {
  const passed = Object.entries(process.env).filter(([name]) => PASSED.test(name));
  return Object.entries({
    CI: "true",
    ...Object.fromEntries(passed),
    HOME: "/root",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    NODE_EXTRA_CA_CERTS: ROOT_CERTIFICATES,
    SSL_CERT_FILE: ROOT_CERTIFICATES,
  }).map(([name, value]) => `${name}=${value}`);
}

/**
 * What unshare(1) is called with to run a command in a root, in namespaces that end with it: no mount and no process
 * stays behind. Only SIGKILL ends it early: unshare itself shrugs off gentler signals; its child is killed with it.
 */
export function insideArguments(root, folder, command) {
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const entered = ["env", "-i", ...environment(), "sh", ENTER, ...command];
  return [...namespaces, `--root=${root}`, `--wd=${folder}`, "--", ...entered];
}

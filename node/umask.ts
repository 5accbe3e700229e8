/** Whether others may write is for whoever runs this to say; whether they may read is not. */
const WRITING = 0o022;

/**
 * Files that are made from now on can be read by everybody, unless they are made for root alone (0600): monitors, web
 * servers and people who are not root read them. Hardened hosts, and cron on them, have a umask of 077 or 027.
 */
export function letOthersRead(process: Pick<NodeJS.Process, "umask">): void {
  process.umask(process.umask(WRITING) & WRITING);
}

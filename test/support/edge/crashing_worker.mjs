import worker, {
  CatalogueObject,
  AuditObject as RealAuditObject,
  PublishQueue as RealPublishQueue,
  TokenLedger,
} from "../../../edge/worker.ts";

/*
 * The real Worker over a bucket that asks the test before and after each write; the test may end workerd then, and never
 * answer. JavaScript, as the types of workerd and of Node do not go together.
 */

function asking(env) {
  const ask = (when, what) => env.WRITES.fetch(`http://writes/${when}/${what}`);
  const around = async (what, write) => {
    await ask("before", what);
    const done = await write();
    await ask("after", what);
    return done;
  };
  const { FEED: bucket } = env;
  const FEED = {
    head: (...args) => bucket.head(...args),
    get: (...args) => bucket.get(...args),
    list: (...args) => bucket.list(...args),
    put: (key, ...rest) => around(key, () => bucket.put(key, ...rest)),
    delete: (key) => around(key, () => bucket.delete(key)),
  };
  return { ...env, FEED };
}

export class PublishQueue extends RealPublishQueue {
  constructor(state, env) {
    super(state, asking(env));
  }
}

export class AuditObject extends RealAuditObject {
  constructor(state, env) {
    super(state, asking(env));
  }
}

export { CatalogueObject, TokenLedger };

export default { fetch: (request, env) => worker.fetch(request, asking(env)) };

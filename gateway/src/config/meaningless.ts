// Settings of the source that Node makes meaningless: accepted, so that its .env files work unchanged, and told once at the start.

const runtime = 'a worker of Node is one event loop in one thread: more cores are used by WORKERS';

/** Setting → why it changes nothing here. */
export const meaningless: Record<string, string> = {
  HTTP_SERVER:
    "there is one HTTP server, Node's own; the settings of Gunicorn and of Granian are both read as its settings",
  GUNICORN_PRELOAD_APP:
    'Node cannot fork a loaded program: each worker loads it (0.3 s); migrations run once, before the workers start',
  GUNICORN_THREADS: runtime,
  GUNICORN_WORKER_CLASS: 'every worker is asynchronous',
  GRANIAN_RUNTIME_MODE: runtime,
  GRANIAN_RUNTIME_THREADS: runtime,
  GRANIAN_BLOCKING_THREADS: `${runtime}; UV_THREADPOOL_SIZE is Node's own setting for file and compression threads`,
  GRANIAN_LOOP: 'the event loop is libuv (the one that uvloop wraps)',
  GRANIAN_TASK_IMPL: 'promises are part of the engine',
  GRANIAN_HTTP1_PIPELINE_FLUSH: 'Node sends pipelined answers as they are ready',
  GRANIAN_HTTP1_BUFFER_SIZE:
    'Node has no buffer per connection to size; what it bounds elsewhere, the head of a request, is MAX_HEADER_TOTAL_SIZE_BYTES',
  PYTHON_GIL: 'there is no global interpreter lock',
  REDIS_PARSER: 'the Redis client has one parser, in JavaScript',
};

/** Those that are set, with the reason. */
export function toldMeaningless(environment: Record<string, string | undefined>): { name: string; reason: string }[] {
  return Object.entries(meaningless).flatMap(([name, reason]) =>
    environment[name] === undefined || environment[name] === '' ? [] : [{ name, reason }],
  );
}

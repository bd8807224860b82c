const ids = new WeakMap<Request, string>()

/** The id of a request, made up at the first call: a UUID that answers, errors and the log carry. */
export function requestId(request: Request): string {
  let id = ids.get(request)
  if (id === undefined) {
    id = crypto.randomUUID()
    ids.set(request, id)
  }
  return id
}

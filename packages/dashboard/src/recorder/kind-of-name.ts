import type { RequestSummary } from '../protocol/request.ts'

const REQUEST = /^([A-Z]{1,20}) (\/.*|\(no route\))$/s

/** What a scope's name says of it, as adapters write it: `GET /cities/:id`, `GET (no route)`, `job mail`. */
export function kindOfName(name: string): RequestSummary['kind'] {
  if (REQUEST.test(name)) return 'request'
  return name.startsWith('job ') ? 'job' : 'other'
}

/** The method and the route of a request's name. */
export function partsOfName(name: string): { readonly method: string | null; readonly route: string | null } {
  const [, method = null, route = null] = REQUEST.exec(name) ?? []
  return { method, route: route === '(no route)' ? null : route }
}

/** The HTTP request in a scope's name, as adapters write it: `GET /cities/:id`, `GET (unmatched)`. */
export interface RequestName {
  readonly method: string
  /** `undefined`: none matched. `(other)`: the app has too many. */
  readonly route: string | undefined
}

const REQUEST = /^([A-Z]{1,20}) (\/.*|\((?:unmatched|other)\))$/s

/** `undefined`: it is not a request. */
export function requestName(name: string): RequestName | undefined {
  const [, method, route] = REQUEST.exec(name) ?? []
  return method === undefined ? undefined : { method, route: route === '(unmatched)' ? undefined : route }
}

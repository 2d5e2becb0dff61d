import type { Dispatcher } from 'undici'
import { headerKind, namedByConnection, withoutNamed } from './header-kinds.ts'

/**
 * Returns the headers of a node's response without those that apply to its connection. Repeated headers stay
 * repeated.
 *
 * @param raw - Names and values alternate.
 */
export function responseHeaders(raw: readonly string[]): string[] {
  const headers: string[] = []
  let named: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    switch (headerKind(name)) {
      case 'connection':
        named = namedByConnection(raw[i + 1] as string, named)
        break
      case 'transfer-encoding':
      case 'hop-by-hop':
        break
      default:
        headers.push(name, raw[i + 1] as string)
    }
  }
  return withoutNamed(headers, named)
}

type Raw = readonly (Buffer | string)[]

/** The headers of a response as received: names and values alternate, and repeated headers stay repeated. */
export function rawHeadersOf({ rawHeaders }: Pick<Dispatcher.DispatchController, 'rawHeaders'>): string[] {
  return ((rawHeaders ?? []) as Raw).map(textOf)
}

/** The same for the trailers of a response. */
export function rawTrailersOf({ rawTrailers }: Pick<Dispatcher.DispatchController, 'rawTrailers'>): string[] {
  return ((rawTrailers ?? []) as Raw).map(textOf)
}

function textOf(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1')
}

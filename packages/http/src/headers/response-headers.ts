import type { Dispatcher } from 'undici'
import { headerKind, namedByConnection, withoutNamed } from './header-kinds.ts'

/**
 * The headers of a node's answer, without those of its connection; what is there twice stays twice.
 *
 * @param raw - Names and values by turns.
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

/** The headers of an answer as they came: names and values by turns, what is there twice stays twice. */
export function rawHeadersOf({ rawHeaders }: Pick<Dispatcher.DispatchController, 'rawHeaders'>): string[] {
  return ((rawHeaders ?? []) as Raw).map(textOf)
}

/** The same of what came after its body. */
export function rawTrailersOf({ rawTrailers }: Pick<Dispatcher.DispatchController, 'rawTrailers'>): string[] {
  return ((rawTrailers ?? []) as Raw).map(textOf)
}

function textOf(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1')
}

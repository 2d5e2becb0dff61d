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

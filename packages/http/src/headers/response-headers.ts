import { headerKind, namedByConnection, withoutNamed } from './header-kinds.ts'

/**
 * The headers of a node's answer, without those of its connection; what is there twice stays twice.
 *
 * @param raw - Names and values by turns, in bytes.
 */
export function responseHeaders(raw: readonly (Buffer | string)[]): string[] {
  const headers: string[] = []
  let named: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = textOf(raw[i])
    switch (headerKind(name)) {
      case 'connection':
        named = namedByConnection(textOf(raw[i + 1]), named)
        break
      case 'transfer-encoding':
      case 'hop-by-hop':
        break
      default:
        headers.push(name, textOf(raw[i + 1]))
    }
  }
  return withoutNamed(headers, named)
}

function textOf(value: Buffer | string | undefined): string {
  return typeof value === 'string' ? value : (value?.toString('latin1') ?? '')
}

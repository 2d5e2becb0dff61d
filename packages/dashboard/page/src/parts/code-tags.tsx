import type { FindingCode } from '../../../src/protocol/index.ts'
import { titleOfCode } from '../format/request-facts.ts'
import { Icon } from './icon.tsx'

/** What was found, as words with a picture. */
export function CodeTags({ codes }: { codes: readonly FindingCode[] }) {
  return (
    <span class="tags">
      {codes.map((code) => (
        <span key={code} class={`tag ${code === 'N_PLUS_ONE' ? 'bad' : 'warn'}`}>
          <Icon name="alert" />
          {titleOfCode(code)}
        </span>
      ))}
    </span>
  )
}

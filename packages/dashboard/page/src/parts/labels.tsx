import type { ComponentChildren } from 'preact'
import type { FindingCode, Place, RequestSummary, Severity } from '../../../src/protocol/index.ts'
import { codeTitles, count, exact, isError } from '../format.ts'
import { Icon, type IconName } from './icon.tsx'

export type Tone = 'bad' | 'warn' | 'good' | 'muted'

const icons: Readonly<Record<Tone, IconName>> = { bad: 'cross', warn: 'alert', good: 'check', muted: 'info' }

/** A state, shown by color, icon and word. */
export function StateWord({ tone, word }: { tone: Tone; word: string }) {
  return (
    <span class={`state ${tone}`}>
      <Icon name={icons[tone]} />
      {word.slice(0, 1).toUpperCase() + word.slice(1)}
    </span>
  )
}

const severities: Readonly<Record<Severity, Tone>> = { high: 'bad', medium: 'warn', low: 'muted' }

export function SeverityWord({ severity }: { severity: Severity }) {
  return <StateWord tone={severities[severity] ?? 'muted'} word={severity} />
}

/** The outcome of a request. Successful ones have no color. */
export function StatusCode({ request }: { request: Pick<RequestSummary, 'failed' | 'statusCode' | 'kind'> }) {
  const { failed, statusCode } = request
  const word = statusCode === null ? (failed ? 'failed' : 'done') : String(statusCode)
  if (isError(request)) return <StateWord tone="bad" word={word} />
  return <span class={statusCode !== null && statusCode >= 400 ? 'warn' : 'muted'}>{word}</span>
}

/** The findings of a request, each with an icon. */
export function CodeTags({ codes }: { codes: readonly FindingCode[] }) {
  return (
    <span class="tags">
      {codes.map((code) => (
        <span key={code} class={`tag ${code === 'N_PLUS_ONE' ? 'bad' : 'warn'}`}>
          <Icon name="alert" />
          {codeTitles[code] ?? code}
        </span>
      ))}
    </span>
  )
}

/** A call site. If space is short, folders are cut, but never the file and line. */
export function PlaceText({ place }: { place: Place }) {
  const slash = place.file.lastIndexOf('/') + 1
  return (
    <span
      class="place"
      title={place.functionName === null ? place.text : `${place.text} in ${place.functionName}`}
    >
      <span class="place-folder">
        <bdi>{place.text.slice(0, slash)}</bdi>
      </span>
      <span class="place-file">{place.text.slice(slash)}</span>
    </span>
  )
}

interface Figure {
  readonly label: string
  /** A number is shown as a whole number. */
  readonly value: ComponentChildren
  readonly note?: ComponentChildren
}

/** A row of numbers with labels. */
export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl class="figures">
      {figures.map(({ label, value, note }) => (
        <div key={label} class="figure">
          <dt>{label}</dt>
          <dd>
            <span class="figure-value">{shown(value)}</span>
            {note !== undefined && <span class="figure-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Shows a number, with all digits as a tooltip if it is shortened. Anything else is shown unchanged. */
export function shown(value: ComponentChildren): ComponentChildren {
  return typeof value === 'number' ? <span title={exact(value)}>{count(value)}</span> : value
}

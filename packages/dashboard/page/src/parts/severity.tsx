import type { Severity } from '../../../src/protocol/index.ts'
import { Icon, type IconName } from './icon.tsx'

export type Tone = 'bad' | 'warn' | 'good' | 'muted'

const icons: Readonly<Record<Tone, IconName>> = { bad: 'cross', warn: 'alert', good: 'check', muted: 'info' }

/** A state: colour, picture and word, never colour alone. */
export function StateWord({ tone, word }: { tone: Tone; word: string }) {
  return (
    <span class={`state ${tone}`}>
      <Icon name={icons[tone]} />
      {word.slice(0, 1).toUpperCase() + word.slice(1)}
    </span>
  )
}

const severities: Readonly<Record<Severity, { readonly tone: Tone; readonly word: string }>> = {
  high: { tone: 'bad', word: 'High' },
  medium: { tone: 'warn', word: 'Medium' },
  low: { tone: 'muted', word: 'Low' },
}

export function SeverityWord({ severity }: { severity: Severity }) {
  const { tone, word } = severities[severity] ?? severities.low
  return <StateWord tone={tone} word={word} />
}

import type { ComponentChildren } from 'preact'
import type { SectionState } from '../live/use-section.ts'
import { Icon } from './icon.tsx'

interface SectionViewProps<T> {
  readonly section: SectionState<T | null>
  /** Shown if the engine is off: the response is `null`. */
  readonly off: ComponentChildren
  readonly children: (data: T) => ComponentChildren
}

/** The data of a section, or the reason why it is missing. */
export function SectionView<T>({ section: { data, error, again }, off, children }: SectionViewProps<T>) {
  const problem =
    error === undefined ? null : (
      <p class="trouble bad" role="alert">
        <Icon name="alert" />
        <span>{error.message}</span>
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      </p>
    )
  if (data === undefined) {
    if (error !== undefined) return <Empty title="Failed to load">{problem}</Empty>
    return <p class="loading muted">Loading…</p>
  }
  return (
    <>
      {problem}
      {data === null ? off : children(data)}
    </>
  )
}

/** A placeholder with one sentence and an optional action. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="empty-more">{children}</div>}
    </div>
  )
}

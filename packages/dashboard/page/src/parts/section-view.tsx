import type { ComponentChildren } from 'preact'
import type { Asked } from '../live/use-section.ts'
import { Icon } from './icon.tsx'

interface SectionViewProps<T> {
  readonly asked: Asked<T | null>
  /** Shown if the engine is off: the response is `null`. */
  readonly off: ComponentChildren
  readonly children: (data: T) => ComponentChildren
}

/** The data of a section, or the reason why it is missing. */
export function SectionView<T>({ asked: { data, error, again }, off, children }: SectionViewProps<T>) {
  const trouble =
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
    if (error !== undefined) return <Empty title="Failed to load">{trouble}</Empty>
    return <p class="loading muted">Loading…</p>
  }
  return (
    <>
      {trouble}
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

import type { Place } from '../../../src/protocol/index.ts'

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

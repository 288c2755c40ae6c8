import type { Layer } from "../layers";
import { Beside } from "../ui/dialog";
import Layers from ".";

/** Details, beside the conversation. */
export default function Docked({ layer }: { readonly layer: Layer }) {
  return (
    <Beside value={true}>
      <Layers layer={layer} />
    </Beside>
  );
}

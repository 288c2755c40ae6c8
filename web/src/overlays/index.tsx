import type { Layer } from "../layers";
import { Actions } from "./actions";
import { Ask } from "./ask";
import { Emoji } from "./emoji";
import { Details } from "./group/details";
import { Keys } from "./keys";
import { NewChat } from "./new-chat";
import { Palette } from "./palette";
import { PersonDetails } from "./person";
import { Report } from "./report";

/** What lies over the page. */
export default function Layers({ layer }: { readonly layer: Layer }) {
  switch (layer.type) {
    case "new":
      return <NewChat />;
    case "palette":
      return <Palette key={layer.thread_id} threadId={layer.thread_id} />;
    case "keys":
      return <Keys />;
    case "details":
      return <Details opened={layer.thread} part={layer.part} />;
    case "person":
      return <PersonDetails key={layer.user_id} userId={layer.user_id} />;
    case "report":
      return <Report about={layer.about} />;
    case "emoji":
      return <Emoji chosen={layer.chosen} />;
    case "actions":
      return <Actions row={layer.row} act={layer.act} />;
    case "ask":
      return <Ask key={layer.title} layer={layer} />;
  }
}

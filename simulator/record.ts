import type { Invariant } from "./watch.ts";

/** A fault that the simulator, or a method before it, found in Istio Canary. */
export type FoundFault = {
  readonly what: string;
  /** One that shows it in this version where its mend is taken back. Undefined: none is known. */
  readonly seed: number | undefined;
  /** The invariant that it breaks then. */
  readonly shows?: Invariant | undefined;
  /** The commit that mended it. */
  readonly mended: string;
  /** The name of a test that holds it. */
  readonly held: string;
};

/** What stands here was found by playing; seeds are those of this version: where something else is drawn, a seed is another story. */
export const foundFaults: readonly FoundFault[] = [
  {
    what: "One look that failed made a stage blind for a minute, and ended a good release",
    seed: 1191,
    mended: "a5ac090",
    shows: "no good release lost to a fault shorter than patience",
    held: "one look that failed is forgotten with the next that succeeds, however long the stage goes on",
  },
  {
    what: "A renewal of the lock whose answer was lost made the job stop, and leave the canary's weight",
    seed: 1281,
    mended: "bd19c3d",
    shows: "no good release lost to a fault shorter than patience",
    held: "a renewal that was applied and never answered is given up in time, and the next one settles it",
  },
  {
    what: "`rollback` by hand lost against the job, and both stopped",
    seed: 471,
    mended: "9019f2b",
    shows: "rollback by hand gets the release",
    held: "a rollback by hand has the release at any of 30 moments, and the job stops",
  },
  {
    what: "A weight that was under way landed after somebody's rollback, and nobody saw it",
    seed: 2,
    mended: "9019f2b",
    shows: "no weight that no journal named",
    held: "a write that was under way when another job took the release over never lands after that job looked",
  },
  {
    what: "`settled` was true after it had been false; without a journal there was nothing to do",
    seed: 1772,
    mended: "61fa532",
    shows: "what is told agrees with the store",
    held: "what the first step saw amiss at its end is not made good by the word of the second",
  },
  {
    what: "Two replicas of Prometheus behind one address held every good release",
    seed: 55,
    mended: "a0ade57",
    shows: "no request is counted twice",
    held: "two replicas in turn count each request exactly once, whichever scrapes fail",
  },
  {
    what: "NaN passed a gate, and a bad version was promoted",
    seed: 5548,
    mended: "bad694f",
    shows: "no bad version promoted",
    held: "passes no gate, and the release goes back and names them",
  },
  {
    what: "Pods were retired while the route still sent requests to them",
    seed: 977,
    mended: "7166096",
    shows: "no pod retired under traffic",
    held: "a route that somebody puts back while a swap drains takes no pods with it, and no request fails",
  },
  {
    what: "A stage was passed, and all was said to be settled, while requests reached nobody, because somebody had deleted the DestinationRule",
    seed: undefined,
    mended: "48014f3",
    held: "a stage whose DestinationRule somebody deletes is not passed: stable gets its route back",
  },
  {
    what: "A promoted canary that lost all its pods kept the traffic, although stable's pods were still there",
    seed: undefined,
    mended: "48014f3",
    held: "a canary that loses its pods while a swap drains gives everything back to stable",
  },
  {
    what: "A canary forty times as slow as stable was promoted, where stable's requests all fell between two edges of the histogram",
    seed: undefined,
    mended: "71e9b57",
    held: "where stable is always as fast, between two edges, the next edge shows a canary that is slower",
  },
  {
    what: "A slow canary was promoted, because Prometheus gave no counts through the warm-up and nothing was left to compare response times by",
    seed: undefined,
    mended: "cc58f1a",
    held: "a canary whose response times were not compared is neither safe nor sound, however few of its requests fail",
  },
  {
    what: "Another image than the one that was judged was promoted",
    seed: 644,
    mended: "7a39346",
    shows: "no bad version promoted",
    held: "a canary that is changed before stable gets its image is not promoted",
  },
  {
    what: "A release whose outcome could not be saved never ended",
    seed: 207,
    mended: "a5ac090",
    shows: "the program ends",
    held: "a journal that never answers keeps no job for longer, either",
  },
  {
    what: "A cache before the API server answered with an older VirtualService, and a rollback took it for done and the pods away",
    seed: undefined,
    mended: "8822435",
    held: "an object as it was before what was given earlier is that of a cache: it is asked for again, and told when it stays so",
  },
  {
    what: "`undo` went back to the image that served when the release began, though somebody had given stable another one since",
    seed: undefined,
    mended: "df1d6ae",
    held: "an image that somebody had given to stable meanwhile is what served last, and gone back to",
  },
  {
    what: "An answer without JSON ended `rollback` and `release` by a defect",
    seed: undefined,
    mended: "bd19c3d",
    held: "a success that is no JSON is that of a proxy on the way: it is asked for again, and told when it stays so",
  },
  {
    what: "Two jobs of one run both got the lock",
    seed: undefined,
    mended: "bd19c3d",
    held: "the legs of a matrix are runs of their own, by what their runners tell; the steps of each are one",
  },
  {
    what: "Figures that are no numbers made a journal that its own program could not read, and `rollback` was refused",
    seed: undefined,
    mended: "bad694f",
    held: "whatever number stands in a journal, it is refused by its place or can be told",
  },
  {
    what: "A canary kept its requests for five minutes, judged by nobody, because stable's rule was deleted and the job cancelled",
    seed: 10074,
    shows: "no bad version in traffic for longer than the fault at hand",
    mended: "5a379e8",
    held: "a canary that keeps its requests after a cancellation, as stable gets none, goes on being judged",
  },
  {
    what: "Of two who rolled back at once one had the lock and the other the journal, and neither the release",
    seed: 6711,
    shows: "rollback by hand gets the release",
    mended: "b4488d3",
    held: "that has lost its lock to somebody who rolls back saves nothing over what that one saved",
  },
  {
    what: "A refused save took another job's journal for its own, and a weight that was under way landed after a rollback by hand",
    seed: 24351,
    shows: "no weight that no journal named",
    mended: "9ee8b32",
    held: "a job whose release another one took over may not save, hears who has it, and is not believed when it asks again",
  },
  {
    what: "A rollback wrote over somebody else's weights without a word",
    seed: undefined,
    mended: "eb108aa",
    held: "weights that somebody changes before a bad canary loses its own are written over at once, and told",
  },
  {
    what: "Without a journal `settled` was true while both versions had requests",
    seed: undefined,
    mended: "b576bcd",
    held: "a journal that vanished while its job lives is written again, with the next save or the next asking",
  },
  {
    what: "A Prometheus without data left a bad canary in traffic for ever",
    seed: undefined,
    mended: "c9074b3",
    held: "evidence: blind is not undecided: without Prometheus a stage rolls back at its deadline, whatever the policies",
  },
  {
    what: "A second job whose clock was ahead took the lock from one that lived",
    seed: undefined,
    mended: "bd19c3d",
    held: "clocks that differ neither take a live job's lock nor lock releases out after a dead one",
  },
  {
    what: "`promote` with another image promoted the journal's, and said nothing",
    seed: undefined,
    mended: "b8d6771",
    held: "another image than the one that waits, named by somebody, is refused before anything is written",
  },
  {
    what: "`promote`, as it was printed, went on without judging",
    seed: undefined,
    mended: "9e02189",
    held: "whoever cannot judge what is left is refused before anything is written, and told what to add",
  },
  {
    what: "A release that had ended could not be undone, and `rollback` said in green that all was well",
    seed: undefined,
    mended: "c0db918",
    held: "after a swap the old version gets its pods, then its traffic, and no customer gets a bad answer",
  },
  {
    what: "`verify` contradicted a good release for the first minutes of each stage",
    seed: undefined,
    mended: "8afd4ab",
    held: "a weight that was written a moment ago is not contradicted by requests of the weight before",
  },
  {
    what: "The command line without a command released",
    seed: undefined,
    mended: "a17db8c",
    held: "the command line without a command prints the help and releases nothing",
  },
  {
    what: "Roles were exchanged without a word",
    seed: undefined,
    mended: "935bf96",
    held: "after a swap the Deployment that is called canary is the one that serves: the roles are exchanged",
  },
  {
    what: "Whoever edited the journal deployed any image, in any namespace",
    seed: undefined,
    mended: "71071ed",
    held: "a journal that somebody edited gives no Deployment another image, and takes no job to another namespace",
  },
  {
    what: "A damaged journal gave a stack trace, and no way back",
    seed: undefined,
    mended: "c4291f2",
    held: "is told by its place, with the way back by hand",
  },
  {
    what: "Nobody said in which cluster a command worked",
    seed: undefined,
    mended: "a17db8c",
    held: "the plan begins with the cluster, and after a swap with which version the last release made stable",
  },
];

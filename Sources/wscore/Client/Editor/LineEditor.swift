import CReadline
import Glibc

/// The line at the foot of the terminal. Only the main thread uses it, and only one exists: readline is a global.
///
/// Shown, it owns the last lines of the screen; `write` puts other output above them, and the edited text, wrapped or
/// in the middle of a search, comes back as it was.
final class LineEditor {
  enum Input: Equatable {
    case nothing
    /// A whole entry; it may have several lines.
    case entry(String)
    case end
  }

  private let output: LineOutput
  private let complete: (CompletionRequest) -> Completion
  /// Lines of an entry whose JSON is not closed yet.
  private var pending = ""
  private var prompt = ""
  private(set) var isShown = false
  static let continuationPrompt = "...> "

  /// Both standard input and standard output must be terminals.
  init(output: LineOutput, complete: @escaping (CompletionRequest) -> Completion) {
    self.output = output
    self.complete = complete
  }

  /// Takes the terminal. The editor must outlive `stop`, since readline keeps its address.
  func start(history: String?) {
    History.open(history)
    wsr_editor_start(
      { context, line, start, end in
        guard let context, let line else { return }
        Unmanaged<LineEditor>.fromOpaque(context).takeUnretainedValue()
          .answer(String(cString: line), Int(start), Int(end))
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Gives the terminal back as it was.
  func stop() {
    if isShown { hide() }
    wsr_editor_stop()
  }

  /// Shows the prompt and the edited line.
  func show(prompt: String) {
    let effective = pending.isEmpty ? prompt : LineEditor.continuationPrompt
    wsr_editor_continues(!pending.isEmpty)
    if isShown, effective == self.prompt { return }
    hide()
    // A search under way keeps its own prompt until it is over.
    if wsr_editor_show(effective) { self.prompt = effective }
    isShown = true
  }

  /// Whether another prompt is shown than this one, and may be changed.
  func isStale(_ prompt: String) -> Bool {
    pending.isEmpty && prompt != self.prompt && !wsr_editor_is_searching()
  }

  func hide() {
    wsr_editor_hide()
    isShown = false
  }

  /// Writes text of whole lines above the prompt, which may change with it.
  func write(_ text: String, prompt: String) throws(ExitStatus) {
    let wasShown = isShown
    hide()
    defer { if wasShown { show(prompt: prompt) } }
    try output.write(text)
  }

  /// Takes what was typed. After an entry the editor is hidden until `show`, so that its output comes first.
  func read() -> Input {
    switch Int(wsr_editor_read()) {
    case Int(WSR_LINE):
      isShown = false
      guard let line = wsr_editor_take_line() else { return .nothing }
      defer { free(line) }
      return accept(String(cString: line))
    case Int(WSR_END):
      isShown = false
      return .end
    default: return .nothing
    }
  }

  private func accept(_ line: String) -> Input {
    let entry = pending.isEmpty ? line : pending + "\n" + line
    // An empty line ends what cannot be balanced; the command then says what is wrong with it.
    if JSONBalance.isOpen(entry), pending.isEmpty || !line.isEmpty {
      pending = entry
      show(prompt: prompt)
      return .nothing
    }
    pending = ""
    History.add(entry)
    return .entry(entry)
  }

  /// Ctrl-C on the line. True if there was something to give up.
  func cancel() -> Bool {
    let hadText = wsr_editor_cancel_line() || !pending.isEmpty
    pending = ""
    isShown = false
    return hadText
  }

  func resize() { wsr_editor_resize() }

  func suspend() {
    wsr_editor_suspend()
    isShown = false
  }

  func resume() {
    wsr_editor_resume()
    isShown = false
  }

  private func answer(_ line: String, _ start: Int, _ end: Int) {
    let bytes = Array(line.utf8)
    guard 0...end ~= start, end <= bytes.count else { return }
    let completion = complete(
      CompletionRequest(
        before: pending + String(decoding: bytes[..<start], as: UTF8.self),
        word: String(decoding: bytes[start..<end], as: UTF8.self)))
    completion.candidates.forEach { wsr_add_candidate($0) }
    wsr_set_completion_suffix(CChar(bitPattern: completion.suffix?.asciiValue ?? 0))
  }
}

from dataclasses import dataclass
@dataclass
class Explanation: pass
def explain(*a): pass
def tree(*a): pass

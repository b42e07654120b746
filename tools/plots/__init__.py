"""What tools/visualize_results.py is made of: reading result files, drawing them, and the page around the pictures."""
